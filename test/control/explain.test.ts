import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { explain } from '#control/explain.ts'
import type { Ledger } from '#ledger/ledger.ts'
import { dayMs, hourMs, monday, openOf, ops, reminderOf, seedPending } from '../ledger/fixtures.ts'
import type { TestLedger } from '../ledger/harness.ts'
import { againAt, answerOf, claimed } from '../ledger/sending.ts'
import { sqliteHarness } from '../ledger/sqlite-harness.ts'

let test: TestLedger
let ledger: Ledger
/** They stand still until a test moves them. */
const clocks = { businessAt: monday, business: () => clocks.businessAt, wall: () => monday, monotonicMs: () => 1_000 }
beforeEach(async () => {
  clocks.businessAt = monday
  test = await sqliteHarness.open({ clocks })
  ledger = test.ledger
})
afterEach(() => test.close())

async function told(asked: string, at = monday) {
  const explanation = await explain({ ledger, pins: test.pinTable, at }, asked)
  return explanation?.events.map(({ what, reason }) => (reason === null ? what : `${what}: ${reason}`)) ?? null
}

describe('an explanation', () => {
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
      const explanation = await explain({ ledger, pins: test.pinTable, at: monday }, 'soft-pin-0-0')
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
    const explanation = await explain({ ledger, pins: test.pinTable, at: monday }, ' Soft-Pin-0@EXAMPLE.com ')
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
    const nobody = { name: null, accountId: null, accountName: null, locale: null, timeZone: null, portalVersion: null }
    const early = { ...nobody, pinId: 'early', kind: 'caller-pin', status: 'active', email: null, setAt: null } as const
    await test.pinTable.upsert([{ ...early, expiresAt: monday + 90 * dayMs }])
    expect(await told('early')).toEqual([])
    expect(await told('never')).toBeNull()
    expect(await told('never@example.com')).toBeNull()
    expect(await told('')).toBeNull()
  })
})
