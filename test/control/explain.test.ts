import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ExplainPorts, explain } from '#control/explain.ts'
import type { NextTick } from '#core/forecast.ts'
import { type Pin, versionOf } from '#core/pin.ts'
import type { Ledger } from '#ledger/ledger.ts'
import { aCampaign, aPin } from '../core/given.ts'
import { dayMs, editionOf, hourMs, monday, openOf, ops, reminderOf, seedPending } from '../ledger/fixtures.ts'
import type { TestLedger } from '../ledger/harness.ts'
import { againAt, answerOf, claimed } from '../ledger/sending.ts'
import { sqliteHarness } from '../ledger/sqlite-harness.ts'

let test: TestLedger
let portal: ExplainPorts['pins']
const dead: ExplainPorts['pins'] = {
  read: () => Promise.reject(new Error('the portal is down')),
  ofAddress: () => Promise.reject(new Error('the portal is down')),
}
let ledger: Ledger
/** They stand still until a test moves them. */
const clocks = { businessAt: monday, business: () => clocks.businessAt, wall: () => monday, monotonicMs: () => 1_000 }
beforeEach(async () => {
  clocks.businessAt = monday
  test = await sqliteHarness.open({ clocks })
  ledger = test.ledger
  portal = test.pinTable
})
afterEach(() => test.close())

const hourly: NextTick = (at) => Math.ceil(at / hourMs) * hourMs

function explained(asked: string, at = monday, pins: ExplainPorts['pins'] = portal) {
  const rate = { perSecond: 10, reserve: 0.3 }
  return explain({ ledger, pins, rate, nextTick: () => hourly, at }, asked)
}

async function told(asked: string, at = monday) {
  const explanation = await explained(asked, at)
  return explanation?.events.map(({ what, reason }) => (reason === null ? what : `${what}: ${reason}`)) ?? null
}

describe('an explanation', () => {
  /** What the ledger knows; nothing is known against what is open. */
  beforeEach(() => {
    portal = dead
  })

  it('tells why a message waits, what stops everything first', async () => {
    const [id = ''] = await seedPending(ledger, 1, { notBefore: monday + hourMs, notAfter: monday + dayMs })
    const at = async (when: number) => (await told(id, when))?.at(-1)
    expect(await at(monday)).toBe('waiting: window')
    expect(await at(monday + hourMs)).toBe('waiting: pace')
    expect(await at(monday + dayMs)).toBe('waiting: window')
    await test.tamper(`update message set wait = 'cap'`)
    expect(await at(monday)).toBe('waiting: cap')
    await test.tamper(`update pace set hold = '{"cause":"outage","since":0,"nextProbeAt":0}'`)
    expect(await at(monday + hourMs)).toBe('waiting: hold')
    await ledger.gates.close('soft-pin', ops)
    expect(await at(monday)).toBe('waiting: campaign-off')
    await ledger.gates.close('*', ops)
    expect(await at(monday)).toBe('waiting: gate')
  })

  it('says until when, where that is known', async () => {
    await seedPending(ledger, 1, { notBefore: monday + hourMs })
    const untilOf = async () => {
      const explanation = await explained('soft-pin-0-0')
      return explanation?.events.at(-1)?.until
    }
    expect(await untilOf()).toBe(monday + hourMs)
    await ledger.gates.close('*', ops)
    expect(await untilOf()).toBeNull()
  })

  it('tells each try, and how the last one ended', async () => {
    const [id = ''] = await seedPending(ledger, 1)
    const settle = async (outcome: 'throttled' | 'unknown' | 'accepted') => {
      const attempt = await claimed(ledger, id)
      await ledger.outbox.settle(answerOf(id, attempt, outcome))
    }
    expect(await told(id)).toEqual(['planned', 'assembled', 'waiting: pace'])
    await settle('throttled')
    expect(await told(id)).toEqual(['planned', 'assembled', 'tried: code of throttled', 'waiting: back-off'])
    clocks.businessAt = againAt
    const attempt = await claimed(ledger, id)
    expect(await told(id)).toEqual(['planned', 'assembled', 'tried: code of throttled', 'sending'])
    await ledger.outbox.settle(answerOf(id, attempt, 'unknown', { at: againAt + 1 }))
    expect(await told(id)).toEqual(['planned', 'assembled', 'tried: code of throttled', 'in_doubt: code of unknown'])
    await ledger.outbox.settle(answerOf(id, attempt, 'accepted', { at: againAt + 2 }))
    expect(await told(id)).toEqual(['planned', 'assembled', 'tried: code of throttled', 'sent'])
  })

  it('tells a reminder that was planned and given up later, and one that was never meant to be sent', async () => {
    await seedPending(ledger, 1)
    const never = reminderOf(ledger, 'soft-pin-0-0', { stage: '30d', skip: 'superseded' })
    await ledger.plans.write('soft-pin', { inserts: [never], reopens: [] }, monday)
    const [open] = await openOf(ledger, 'soft-pin')
    const skips = [{ id: open?.id ?? '', reason: 'reset' as const }]
    await ledger.plans.assemble('soft-pin', { skips, drafts: [] }, monday + hourMs)
    expect(await told('soft-pin-0-0')).toEqual(['planned', 'skipped: superseded', 'assembled', 'skipped: reset'])
  })

  it('tells of a reminder that is in no message yet', async () => {
    await seedPending(ledger, 1)
    await ledger.plans.write('soft-pin', { inserts: [reminderOf(ledger, 'late')], reopens: [] }, monday)
    expect(await told('late')).toEqual(['planned', 'waiting: assembly'])
  })

  it('of a person holds all PINs of the address, in any case of its letters', async () => {
    await seedPending(ledger, 2, { pinsEach: 2 })
    const explanation = await explained(' Soft-Pin-0@EXAMPLE.com ')
    expect(explanation?.kind).toBe('recipient')
    const pins = explanation?.events.map(({ what, pinId }) => [what, pinId])
    expect(pins?.sort()).toEqual([
      ['assembled', null],
      ['planned', 'soft-pin-0-0'],
      ['planned', 'soft-pin-0-1'],
      ['waiting', null],
    ])
  })

  it('is there for a PIN that the portal has and that nothing was decided about, and for nothing else', async () => {
    portal = test.pinTable
    await test.pinTable.upsert([aPin({ pinId: 'early', expiresAt: monday + 90 * dayMs })])
    expect(await told('early')).toEqual([])
    expect(await told('ada@example.com')).toEqual([])
    expect(await told('never')).toBeNull()
    expect(await told('never@example.com')).toBeNull()
    expect(await told('')).toBeNull()
  })
})

describe('a portal that gives no answer', () => {
  it.each(['soft-pin-0-0', 'soft-pin-0@example.com'])('leaves what the ledger knows of %s', async (asked) => {
    await seedPending(ledger, 1)
    const explanation = await explained(asked, monday, dead)
    expect(explanation?.pins).toBeNull()
    expect(explanation?.events.map(({ what }) => what)).toEqual(['planned', 'assembled', 'waiting'])
  })

  it('is an error for what the ledger does not know: the portal may', async () => {
    await expect(explained('unknown', monday, dead)).rejects.toThrow('the portal is down')
    await expect(explained('unknown@example.com', monday, dead)).rejects.toThrow('the portal is down')
  })
})

describe('what waits, and will not go out as it waits', () => {
  const campaign = aCampaign({ stages: ['7d', 'expired'], window: null })
  const pin = aPin({ pinId: 'soft-pin-0-0', email: 'soft-pin-0@example.com', expiresAt: monday + 5 * dayMs })
  const other = aPin({ ...pin, pinId: 'soft-pin-0-1' })

  /** A mail about two PINs of one person, which waits. */
  beforeEach(async () => {
    await seedPending(ledger, 1, { pinsEach: 2 })
    await test.tamper(`update reminder set version = '${versionOf(pin)}'`)
    await ledger.editions.enable({ ...editionOf('soft-pin'), hash: 'h2', campaign }, ops)
    await test.pinTable.upsert([pin, other])
  })

  async function waiting(asked = 'soft-pin-0@example.com') {
    const events = (await explained(asked))?.events ?? []
    const waits = events.filter(({ what }) => what === 'waiting')
    return waits.map(({ pinId, reason }) => `${pinId ?? 'the mail'}: ${reason}`).sort()
  }

  it('waits as a whole while its PINs are as they were', async () => {
    expect(await waiting()).toEqual(['the mail: pace'])
  })

  it('is told PIN by PIN where one was reset, and the mail waits on for the other', async () => {
    await test.pinTable.upsert([{ ...pin, setAt: monday }])
    expect(await waiting()).toEqual([`${pin.pinId}: reset`, 'the mail: pace'])
  })

  it('is no mail that waits when nothing of it is right any more', async () => {
    await test.pinTable.upsert([{ ...pin, status: 'revoked' }])
    await test.pinTable.remove([other.pinId])
    expect(await waiting()).toEqual([`${pin.pinId}: revoked`, `${other.pinId}: gone`])
  })

  it('says that nobody silenced is written to', async () => {
    await ledger.suppressions.add('soft-pin-0@example.com', ops)
    expect(await waiting()).toEqual([`${pin.pinId}: suppressed`, `${other.pinId}: suppressed`])
  })

  it('follows a PIN to its new address: the old one gets nothing, the new one waits for the next scan', async () => {
    await test.pinTable.upsert([pin, other].map((one) => ({ ...one, email: 'new@example.com' })))
    expect(await waiting()).toEqual([`${pin.pinId}: other-address`, `${other.pinId}: other-address`])
    expect(await waiting('new@example.com')).toEqual([`${pin.pinId}: assembly`, `${other.pinId}: assembly`])
  })
})

describe('what comes next', () => {
  /** Expires in eight days and two hours; the campaign has the stages 7d and expired, and sends from nine to five. */
  const pin = aPin({ pinId: 'soon', expiresAt: monday + 8 * dayMs + 2 * hourMs })
  const campaign = aCampaign({ stages: ['7d', 'expired'] })

  beforeEach(() => ledger.editions.enable({ ...editionOf('soft-pin'), campaign }, ops))

  async function next(differs: Partial<Pin> = {}, at = monday) {
    await test.pinTable.upsert([{ ...pin, ...differs }])
    const events = (await explained('soon', at))?.events ?? []
    return events.filter(({ what }) => what === 'next').map(({ at: when, stage, reason }) => [stage, when, reason])
  }

  const atNine = (days: number) => monday - hourMs + days * dayMs

  it('is the scan at which the next stage is due', async () => {
    expect(await next()).toEqual([['7d', atNine(1), null]])
    expect(await next({ pinId: 'other', email: pin.email }), 'of this PIN alone').toEqual([['7d', atNine(1), null]])
    expect((await explained('Ada@Example.com'))?.events.map(({ pinId }) => pinId).sort()).toEqual(['other', 'soon'])
  })

  it('is the next scan for a stage that has come due since the last one', async () => {
    expect(await next({}, atNine(1) + 1)).toEqual([['7d', atNine(1) + hourMs, null]])
  })

  it('is the stage after those that were decided, and nothing after the last', async () => {
    const reminder = reminderOf(ledger, 'soon', { version: versionOf(pin), skip: 'superseded' })
    await ledger.plans.write('soft-pin', { inserts: [reminder], reopens: [] }, monday)
    expect(await next({}, atNine(2))).toEqual([['expired', monday + 8 * dayMs + 2 * hourMs, null]])
    expect(await next({}, monday + 30 * dayMs)).toEqual([])
  })

  it.each([
    ['revoked', { status: 'revoked' }, {}],
    ['no-pin', { status: 'none' }, {}],
    ['no-address', { email: null }, {}],
    ['not-applicable', { setAt: monday + dayMs }, { stages: ['7d'] }],
    ['not-covered', { kind: 'another' }, {}],
    ['pilot', {}, { pins: { ...campaign.pins, percent: 0 } }],
  ] as const)('is no mail, and why: %s', async (reason, differs, also) => {
    await ledger.editions.enable({ ...editionOf('soft-pin'), hash: 'h2', campaign: { ...campaign, ...also } }, ops)
    expect(await next(differs)).toEqual([['7d', atNine(1), reason]])
  })

  it('is no mail to somebody who was silenced', async () => {
    await ledger.suppressions.add('ADA@example.com', ops)
    expect(await next()).toEqual([['7d', atNine(1), 'suppressed']])
  })

  it('says so when a closed gate would hold the mail', async () => {
    await ledger.gates.close('soft-pin', ops)
    expect(await next()).toEqual([['7d', atNine(1), 'campaign-off']])
    await ledger.gates.close('*', ops)
    expect(await next()).toEqual([['7d', atNine(1), 'gate']])
  })
})
