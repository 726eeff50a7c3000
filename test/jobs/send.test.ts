import { afterEach, describe, expect, it } from 'vitest'
import { dayMs } from '#core/calendar.ts'
import { everything } from '#ledger/ledger.ts'
import type { Pace } from '#mail/mail.ts'
import { instant } from '../core/given.ts'
import { claimed } from '../ledger/sending.ts'
import { closedPort } from '../mail/ses-servers.ts'
import {
  afterClaim,
  aHolder,
  beforeClaim,
  callsOf,
  hourMs,
  monday,
  never,
  newWorld,
  ops,
  secret,
  template,
  thatProcess,
  type World,
  type WorldOptions,
} from './world.ts'

let worlds: World[] = []

async function aWorld(options: WorldOptions = {}): Promise<World> {
  const world = await newWorld(options)
  worlds.push(world)
  return world
}

// Whatever happens to a message, nobody learns from the log to whom it goes.
afterEach(() => {
  const logged = JSON.stringify(worlds.map(({ log }) => log.lines))
  worlds = []
  expect(logged).not.toMatch(secret)
})

const tuesdayMorning = instant('2026-11-24T09:00Z')

/** The message is as it was before: nobody was written to, and nothing is decided or open. */
async function expectUntouched(world: World, id: string): Promise<void> {
  expect(callsOf(world)).toEqual([])
  expect(await world.message(id)).toMatchObject({ state: 'pending', attempts: 0 })
  expect(Object.values(await world.reminders())).not.toContain('skipped')
  expect(await world.ledger.attempts.open()).toEqual([])
}

describe('a message that may go', () => {
  it('is sent as it was composed, to its address alone, with its tags and reference, and is settled as sent', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada', { accountName: 'Northwind' }))
    expect(await world.send(id)).toEqual({ result: 'sent', reminders: 1, skipped: [] })

    const [call] = callsOf(world)
    const [mail] = world.inbox.mails.list()
    const message = await world.message(id)
    expect(mail).toMatchObject({
      source: 'portal@example.com',
      to: ['ada@example.org'],
      tags: [
        { name: 'message', value: id },
        { name: 'campaign', value: 'soft-pin' },
        { name: 'stage', value: '7d' },
      ],
    })
    expect(call?.configurationSet).toBe('forewarn')
    expect(mail?.raw.toString()).toContain(`X-Forewarn-Reference: ${message.reference}`)
    expect(message).toMatchObject({ state: 'sent', attempts: 1, sesId: mail?.id, sentAt: monday })
    expect(message.attemptList).toMatchObject([{ outcome: 'accepted', endedAt: expect.any(Number) }])
    expect(await world.reminders()).toEqual({ 'pin-of-ada-1 7d': 'sent' })
  })

  it('can be shown afterwards, byte for byte, from what the ledger keeps', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    await world.send(id)
    const { values, editionHash } = await world.message(id)
    expect(editionHash).toBe(world.edition.hash)
    if (values === null) throw new Error('no values are kept')
    const [mail] = world.inbox.mails.list()
    expect(Buffer.from(world.ports.composer.compose(world.edition, values).raw).equals(mail?.raw ?? Buffer.of())).toBe(
      true,
    )
  })

  it('takes its stage, name and zone from its most urgent PIN, and lists all by their expiry', async () => {
    const world = await aWorld({ campaign: { stages: ['14d', '7d'] } })
    const soon = aHolder('ada', {
      n: 1,
      name: 'Ada L. Lovelace',
      timeZone: 'Asia/Dubai',
      expiresAt: monday + 7 * dayMs,
    })
    const late = aHolder('ada', { n: 2, expiresAt: monday + 14 * dayMs })
    const [id = ''] = await world.due(late, soon)
    await world.send(id)
    expect((await world.message(id)).values).toMatchObject({
      stage: '7d',
      name: 'Ada L. Lovelace',
      timeZone: 'Asia/Dubai',
      composedAt: monday,
      pins: [{ expiresAt: soon.expiresAt }, { expiresAt: late.expiresAt }],
    })
  })
})

describe('a try that ends before it began', () => {
  it('gives up without a slot, and has looked at nothing', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const none: Pace = { slot: async () => null }
    expect(await world.send(id, { pace: none, pins: unreadable })).toEqual({
      result: 'no-slot',
      reminders: 0,
      skipped: [],
    })
    await expectUntouched(world, id)
  })

  it('does nothing for a message that is not pending', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    await world.send(id)
    expect(await world.send(id)).toMatchObject({ result: 'not-pending' })
    expect(await world.send('01J00000000000000000000000')).toMatchObject({ result: 'not-pending' })
    expect(callsOf(world)).toHaveLength(1)
  })

  it.each([
    ['to begin with', 0],
    ['while the PINs are read', 1],
  ])('makes no claim when the process was told to end %s', async (_, during) => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    if (during === 0) world.end.abort()
    const pins = {
      read: (ids: readonly string[]) => {
        world.end.abort()
        return world.pinTable.read(ids)
      },
    }
    expect(await world.send(id, { pins })).toMatchObject({ result: 'no-slot' })
    await expectUntouched(world, id)
  })

  it('gives up a slot that grew older than 250 ms, before the claim', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const slow = {
      read: (ids: readonly string[]) => {
        world.clocks.pass(251)
        return world.pinTable.read(ids)
      },
    }
    expect(await world.send(id, { pins: slow })).toMatchObject({ result: 'no-slot' })
    await expectUntouched(world, id)
    expect(await world.send(id)).toMatchObject({ result: 'sent' })
  })
})

const unreadable = { read: () => Promise.reject(new Error('ada@example.org: pin-of-ada-1 cannot be read')) }

describe('what changed between the scan and the mail', () => {
  it.each([
    ['reset', async ({ hold }: World) => hold(aHolder('ada', { setAt: monday - hourMs }))],
    ['reset', async ({ hold }: World) => hold(aHolder('ada', { expiresAt: monday + 90 * dayMs }))],
    ['revoked', async ({ hold }: World) => hold(aHolder('ada', { status: 'revoked' }))],
    ['no-pin', async ({ hold }: World) => hold(aHolder('ada', { status: 'none' }))],
    ['no-address', async ({ hold }: World) => hold(aHolder('ada', { email: null }))],
    ['gone', async ({ drop }: World) => drop(aHolder('ada'))],
    ['suppressed', async ({ ledger }: World) => ledger.suppressions.add('Ada@example.org', ops)],
    ['superseded', async ({ clocks }: World) => (clocks.businessAt = monday + 4 * dayMs + hourMs)],
    ['not-applicable', async ({ hold }: World) => hold(aHolder('ada', { kind: 'other' }))],
  ])('a PIN that is %s is decided so, without a call', async (reason, change) => {
    const world = await aWorld()
    // Monday's seven days end on a Monday: the last day before it that mails go out on is a Friday.
    const [id = ''] = await world.due(aHolder('ada'))
    await change(world)
    expect(await world.send(id)).toEqual({ result: 'nothing-left', reminders: 0, skipped: [reason] })
    expect(await world.reminders()).toEqual({ 'pin-of-ada-1 7d': reason })
    expect(await world.message(id)).toMatchObject({ state: 'skipped', attempts: 0 })
    expect(callsOf(world)).toEqual([])
  })

  it('a recipient silenced after the re-read gets nothing, and the next try decides so', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const composer = {
      compose: (...given: Parameters<typeof world.ports.composer.compose>) => {
        silenced = world.ledger.suppressions.add('ada@example.org', ops)
        return world.ports.composer.compose(...given)
      },
    }
    let silenced: Promise<boolean> | undefined
    expect(await world.send(id, { composer })).toMatchObject({ result: 'refused' })
    expect(await silenced).toBe(true)
    expect(await world.send(id)).toMatchObject({ result: 'nothing-left', skipped: ['suppressed'] })
    expect(callsOf(world)).toEqual([])
  })

  it('of several reminders the stale ones go, and the mail speaks of the rest', async () => {
    const world = await aWorld()
    const [one, two, three] = [1, 2, 3].map((n) => aHolder('ada', { n, accountName: `Account ${n}` }))
    if (!one || !two || !three) throw new Error('three PINs')
    const [id = ''] = await world.due(one, two, three)
    await world.hold({ ...one, setAt: monday - hourMs }, { ...three, status: 'revoked' })
    const report = await world.send(id)
    expect({ ...report, skipped: report.skipped.toSorted() }).toEqual({
      result: 'sent',
      reminders: 1,
      skipped: ['reset', 'revoked'],
    })
    expect(await world.reminders()).toEqual({
      'pin-of-ada-1 7d': 'reset',
      'pin-of-ada-2 7d': 'sent',
      'pin-of-ada-3 7d': 'revoked',
    })
    const text = world.inbox.mails.list()[0]?.raw.toString()
    expect(text).toContain('Account 2')
    expect(text).not.toMatch(/Account [13]/)
  })

  it('a changed address leaves the message: nothing goes to the old one, and the new one is written to', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    await world.hold(aHolder('ada', { email: 'ada.king@example.org' }))
    expect(await world.send(id)).toEqual({ result: 'nothing-left', reminders: 0, skipped: [] })
    expect(await world.reminders()).toEqual({ 'pin-of-ada-1 7d': 'open' })

    await world.scan()
    expect(await world.send(await world.pending())).toMatchObject({ result: 'sent' })
    expect(world.inbox.mails.list().flatMap(({ to }) => to)).toEqual(['ada.king@example.org'])
  })

  it('an address that only its case tells from the old one is no other address', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    await world.hold(aHolder('ada', { email: 'Ada@Example.org' }))
    expect(await world.send(id)).toMatchObject({ result: 'sent' })
  })
})

describe('a portal that gives no answer says nothing about any PIN', () => {
  it.each([
    ['errs', { pins: unreadable }],
    [
      'times out',
      { pins: { read: () => Promise.reject(new DOMException('ada@example.org took too long', 'TimeoutError')) } },
    ],
    ['is too old', { stale: async () => true }],
    ['does not tell its age', { stale: () => Promise.reject(new Error('pin-of-ada-1')) }],
  ])('when it %s, the message waits half a minute', async (_, differs) => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    expect(await world.send(id, differs)).toEqual({ result: 'deferred', reminders: 0, skipped: [] })
    await expectUntouched(world, id)
    expect(await world.message(id)).toMatchObject({ wait: 'portal', notBefore: monday + 30_000 })
    expect(await world.reminders()).toEqual({ 'pin-of-ada-1 7d': 'open' })
  })
})

describe('the sending window', () => {
  it('is closed: the message waits for the next opening, in the zone of the recipient', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada', { timeZone: 'Europe/Berlin' }))
    world.clocks.businessAt = instant('2026-11-23T17:00+01:00')
    expect(await world.send(id)).toMatchObject({ result: 'deferred' })
    await expectUntouched(world, id)
    expect(await world.message(id)).toMatchObject({ wait: 'window', notBefore: instant('2026-11-24T09:00+01:00') })
  })

  it('closes between composing and the claim: the message waits for the next opening', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const ledger = beforeClaim(world.ledger, () => (world.clocks.businessAt = instant('2026-11-23T17:00Z')))
    expect(await world.send(id, { ledger })).toMatchObject({ result: 'deferred' })
    await expectUntouched(world, id)
    expect(await world.message(id)).toMatchObject({ wait: 'window', notBefore: tuesdayMorning })
  })

  it('is open until the last moment before its end', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const ledger = beforeClaim(world.ledger, () => (world.clocks.businessAt = instant('2026-11-23T16:59:59.999Z')))
    expect(await world.send(id, { ledger })).toMatchObject({ result: 'sent' })
  })
})

describe('what changed between composing and the claim', () => {
  it.each([everything, 'soft-pin'])('gate %s is closed: no call', async (scope) => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const ledger = beforeClaim(world.ledger, () => world.ledger.gates.close(scope, ops))
    expect(await world.send(id, { ledger })).toMatchObject({ result: 'refused' })
    await expectUntouched(world, id)
  })

  it('a nearer stage came: the mail that was composed is not sent, the next one speaks of that stage', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const ledger = beforeClaim(world.ledger, async () => {
      world.clocks.businessAt = monday + 4 * dayMs
      await world.scan()
    })
    expect(await world.send(id, { ledger })).toMatchObject({ result: 'refused' })
    expect(callsOf(world)).toEqual([])
    expect(await world.reminders()).toEqual({ 'pin-of-ada-1 1d': 'open', 'pin-of-ada-1 7d': 'superseded' })

    expect(await world.send(await world.pending())).toMatchObject({ result: 'sent', reminders: 1 })
    expect(world.inbox.mails.list()).toMatchObject([{ tags: expect.arrayContaining([{ name: 'stage', value: '1d' }]) }])
  })

  it('another PIN joined the message: it starts over, and then speaks of both', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const ledger = beforeClaim(world.ledger, async () => {
      await world.hold(aHolder('ada', { n: 2 }))
      await world.scan()
    })
    expect(await world.send(id, { ledger })).toMatchObject({ result: 'refused' })
    expect(callsOf(world)).toEqual([])
    expect(await world.send(id)).toMatchObject({ result: 'sent', reminders: 2 })
  })

  it('a claim that comes more than 2 s after the PINs were read is refused', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const busy = beforeClaim(world.ledger, () => world.clocks.pass(2_001))
    expect(await world.send(id, { ledger: busy })).toMatchObject({ result: 'refused' })
    await expectUntouched(world, id)
  })

  it('the age of the re-read counts from its beginning: the answer may have been right only then', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const lasting: Pace = { slot: async () => ({ expired: () => false }) }
    const pins = {
      read: async (ids: readonly string[]) => {
        const read = await world.pinTable.read(ids)
        world.clocks.pass(2_001)
        return read
      },
    }
    expect(await world.send(id, { pace: lasting, pins })).toMatchObject({ result: 'refused' })
    await expectUntouched(world, id)
  })

  it('a claim whose answer takes 2 s is given back: the call begins in time or not at all', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const slow = afterClaim(world.ledger, () => world.clocks.pass(2_000))
    expect(await world.send(id, { ledger: slow })).toMatchObject({ result: 'pending' })
    expect(callsOf(world)).toEqual([])
    expect(await world.message(id)).toMatchObject({
      state: 'pending',
      wait: 'back-off',
      notBefore: monday + 30_000,
      attemptList: [{ outcome: 'not-sent', endedAt: expect.any(Number) }],
    })
    expect((await world.ledger.pace.read()).unansweredInARow).toBe(0)
  })

  it('a claim whose commit was not answered makes no call: it is taken back, and the message goes later', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const ledger = beforeClaim(world.ledger, () => world.loseNextCommitAnswer())
    expect(await world.send(id, { ledger })).toMatchObject({ result: 'pending' })
    expect(callsOf(world)).toEqual([])
    expect(await world.ledger.attempts.open()).toEqual([])
    expect(await world.message(id)).toMatchObject({ state: 'pending', attempts: 1, wait: 'back-off' })

    world.clocks.businessAt += 30_000
    expect(await world.send(id)).toMatchObject({ result: 'sent' })
    expect(callsOf(world)).toHaveLength(1)
  })
})

describe('limits', () => {
  it('an address at its cap waits for the next opening of its next local day', async () => {
    const world = await aWorld()
    const policy = { ...world.ports.policy, perAddressPerDay: 1 }
    const timeZone = 'Pacific/Auckland'
    world.clocks.businessAt = instant('2026-11-24T12:00+13:00')
    const [first = ''] = await world.due(aHolder('ada', { timeZone }))
    expect(await world.send(first, { policy })).toMatchObject({ result: 'sent' })

    // In London the day has changed meanwhile.
    world.clocks.businessAt = instant('2026-11-24T14:00+13:00')
    const [second = ''] = await world.due(aHolder('ada', { n: 2, timeZone }))
    expect(await world.send(second, { policy })).toMatchObject({ result: 'deferred' })
    const tomorrow = instant('2026-11-25T09:00+13:00')
    expect(await world.message(second)).toMatchObject({
      state: 'pending',
      attempts: 0,
      wait: 'cap',
      notBefore: tomorrow,
    })
    expect(callsOf(world)).toHaveLength(1)

    world.clocks.businessAt = tomorrow
    expect(await world.send(second, { policy })).toMatchObject({ result: 'sent' })
  })

  it('without a cap an address gets all that is due to it', async () => {
    const world = await aWorld()
    const policy = { ...world.ports.policy, perAddressPerDay: null }
    for (const n of [1, 2, 3, 4, 5]) {
      const [id = ''] = await world.due(aHolder('ada', { n }))
      expect(await world.send(id, { policy })).toMatchObject({ result: 'sent' })
    }
  })

  it.each([
    ['the next full hour', { perHour: 1, perDay: null }, monday + 17 * 60_000, monday + hourMs],
    [
      'the next opening, when the hour lies outside the window',
      { perHour: 1, perDay: null },
      monday + 6.5 * hourMs,
      tuesdayMorning,
    ],
    [
      'the next full hour, also for the limit of a day',
      { perHour: null, perDay: 1 },
      monday + 17 * 60_000,
      monday + hourMs,
    ],
  ])('a campaign at its limit waits for %s', async (_, limit, at, notBefore) => {
    const world = await aWorld({ campaign: { limit } })
    world.clocks.businessAt = at
    const [first = '', second = ''] = await world.due(aHolder('ada'), aHolder('bob'))
    expect(await world.send(first)).toMatchObject({ result: 'sent' })
    expect(await world.send(second)).toMatchObject({ result: 'deferred' })
    expect(await world.message(second)).toMatchObject({ state: 'pending', attempts: 0, wait: 'limit', notBefore })
    expect(callsOf(world)).toHaveLength(1)
  })
})

describe('a mail that cannot be composed', () => {
  it('waits an hour, and others go', async () => {
    const world = await aWorld({ template: { ...template, messages: { ...template.messages, de: {} } } })
    const [ada = '', bob = ''] = await world.due(aHolder('ada', { locale: 'de' }), aHolder('bob'))
    expect(await world.send(ada)).toEqual({ result: 'deferred', reminders: 1, skipped: [] })
    expect(await world.send(bob)).toMatchObject({ result: 'sent' })
    expect(await world.message(ada)).toMatchObject({
      state: 'pending',
      attempts: 0,
      wait: 'back-off',
      notBefore: monday + hourMs,
    })
    expect(world.log.events()).toContain('mail.not-composed')
  })
})

interface Row {
  readonly world?: WorldOptions
  /** Goes before: somebody else's mail. */
  readonly warmUp?: boolean
  readonly configurationSet?: string
  /** The process ends the call, once SES has taken the mail. */
  readonly abort?: boolean
  readonly state: string
  readonly outcome: string
  /** When the message is tried again; null: it is not. */
  readonly againMs: number | null
  readonly hold: string | null
  readonly slower?: boolean
  readonly unanswered?: number
  /** Mails that SES took. */
  readonly mails: number
}

const inDoubt = { state: 'in_doubt', outcome: 'unknown', againMs: null, hold: null, unanswered: 1 } as const

const outcomes: readonly (readonly [string, Row])[] = [
  ['accepts it', { state: 'sent', outcome: 'accepted', againMs: null, hold: null, mails: 1 }],
  [
    'refuses it',
    {
      world: { faults: { faults: [{ fault: 'reject' }] } },
      state: 'failed',
      outcome: 'refused',
      againMs: null,
      hold: null,
      mails: 0,
    },
  ],
  [
    'throttles',
    {
      world: { faults: { faults: [{ fault: 'rate', perSecond: 0.01 }] } },
      warmUp: true,
      state: 'pending',
      outcome: 'throttled',
      againMs: 5_000,
      hold: null,
      slower: true,
      mails: 1,
    },
  ],
  [
    'says that the quota of the day is used up',
    {
      world: { faults: { faults: [{ fault: 'daily-quota', recipients: 0 }] } },
      state: 'pending',
      outcome: 'throttled',
      againMs: 5_000,
      hold: 'quota',
      mails: 0,
    },
  ],
  [
    'is paused',
    {
      world: { faults: { faults: [{ fault: 'paused' }] } },
      state: 'pending',
      outcome: 'paused',
      againMs: 60_000,
      hold: 'paused',
      mails: 0,
    },
  ],
  [
    'is not set up',
    { configurationSet: 'unknown', state: 'pending', outcome: 'set-up', againMs: 60_000, hold: 'set-up', mails: 0 },
  ],
  [
    'takes it and cuts the connection',
    { world: { faults: { faults: [{ fault: 'cut', accepted: true }] } }, ...inDoubt, mails: 1 },
  ],
  ['answers 500', { world: { faults: { faults: [{ fault: 'error-500' }] } }, ...inDoubt, mails: 0 }],
  [
    'takes it and answers nothing',
    { world: { faults: { faults: [{ fault: 'empty-answer' }] } }, ...inDoubt, mails: 1 },
  ],
  [
    'takes it and answers half',
    { world: { faults: { faults: [{ fault: 'half-answer' }] } }, abort: true, ...inDoubt, mails: 1 },
  ],
  [
    'hangs until the process must end',
    { world: { faults: { faults: [{ fault: 'hang', accepted: true }] } }, abort: true, ...inDoubt, mails: 1 },
  ],
]

describe('what becomes of a message when SES', () => {
  it.each(outcomes)('%s', async (_, row) => {
    const world = await aWorld(row.world)
    await expectOutcome(world, row)
  })

  it('cannot be reached', async () => {
    const world = await aWorld({ endpoint: `http://127.0.0.1:${await closedPort()}` })
    await expectOutcome(world, {
      state: 'pending',
      outcome: 'not-sent',
      againMs: 30_000,
      hold: null,
      unanswered: 1,
      mails: 0,
    })
  })
})

async function expectOutcome(world: World, row: Row): Promise<void> {
  const [other = '', id = ''] = await world.due(aHolder('bob'), aHolder('ada'))
  if (row.warmUp) await world.send(other)
  const policy = { ...world.ports.policy, configurationSet: row.configurationSet ?? 'forewarn' }
  const abort = new AbortController()
  const sending = world.send(id, { policy }, abort.signal)
  if (row.abort) {
    await world.inbox.waitFor(() => world.inbox.calls.accepted > 0)
    abort.abort()
  }
  expect(await sending).toEqual({ result: row.state, reminders: 1, skipped: [] })

  expect(await world.message(id)).toMatchObject({
    state: row.state,
    attempts: 1,
    sentAt: row.state === 'sent' ? monday : null,
    wait: row.againMs === null ? null : 'back-off',
    ...(row.againMs === null ? {} : { notBefore: monday + row.againMs }),
    attemptList: [{ outcome: row.outcome, endedAt: expect.any(Number) }],
    reminders: [{ outcome: ['sent', 'failed'].includes(row.state) ? row.state : null }],
  })
  const pace = await world.ledger.pace.read()
  expect(pace).toMatchObject({
    unansweredInARow: row.unanswered ?? 0,
    hold: row.hold === null ? null : { cause: row.hold },
  })
  expect(pace.throttledRamp !== null).toBe(row.slower ?? false)
  expect(world.inbox.calls.accepted).toBe(row.mails)
}

describe('a SES that does not answer', () => {
  it('five times in a row gets no sixth call: doubts are not made by the thousand', async () => {
    const world = await aWorld({ faults: { faults: [{ fault: 'error-500' }] } })
    const ids = await world.due(...['ada', 'bob', 'cy', 'dan', 'eve', 'fay'].map((who) => aHolder(who)))
    const results: string[] = []
    for (const id of ids) results.push((await world.send(id)).result)
    expect(results).toEqual(['in_doubt', 'in_doubt', 'in_doubt', 'in_doubt', 'in_doubt', 'no-slot'])
    expect((await world.ledger.pace.read()).hold).toMatchObject({ cause: 'outage' })
    expect(callsOf(world)).toHaveLength(5)
  })
})

describe('an answer that comes late', () => {
  it('still settles its message as sent, after the lease was turned into a doubt', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const held = world.inbox.holdCalls('after')
    const sending = world.send(id)
    await world.inbox.waitFor(() => held.waiting.length === 1)

    world.shiftDatabaseTime(60_000)
    expect(await world.settle()).toEqual({ doubts: 1 })
    expect(await world.message(id)).toMatchObject({ state: 'in_doubt' })

    held.release()
    expect(await sending).toMatchObject({ result: 'sent' })
    expect(await world.message(id)).toMatchObject({ state: 'sent', attempts: 1 })
    expect(await world.ledger.attempts.open()).toEqual([])
    expect(callsOf(world)).toHaveLength(1)
  })

  it('after its message had gone on without it, raises the alarm', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const held = world.inbox.holdCalls('after')
    const sending = world.send(id)
    await world.inbox.waitFor(() => held.waiting.length === 1)
    const [attempt] = await world.ledger.attempts.open()
    await world.ledger.outbox.settle({
      messageId: id,
      attempt: attempt?.number ?? 0,
      outcome: 'not-sent',
      code: null,
      requestId: null,
      sesId: null,
      beganAt: null,
      endedAt: monday,
      at: monday,
      to: 'pending',
      again: null,
      sign: 'neutral',
      slowDown: false,
    })
    await claimed(world.ledger, id, { worker: thatProcess, freshUntilMonotonicMs: Number.POSITIVE_INFINITY })

    held.release()
    await sending
    expect(world.log.lines).toContainEqual(expect.objectContaining({ level: 'error', event: 'message.perhaps-twice' }))
    expect(await world.message(id)).toMatchObject({ state: 'sending' })
  })
})

describe('an answer that the ledger does not take', () => {
  it('leaves the attempt open, for its lease to end in a doubt, and is told with its outcome', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const settle = () => Promise.reject(new Error('disk full: ada@example.org'))
    const ledger = { ...world.ledger, outbox: { ...world.ledger.outbox, settle } }
    expect(await world.send(id, { ledger })).toMatchObject({ result: 'in_doubt' })
    expect(await world.ledger.attempts.open()).toMatchObject([{ messageId: id, messageState: 'sending' }])
    expect(world.log.lines.at(-1)).toMatchObject({
      level: 'error',
      event: 'message.not-settled',
      fields: { message: id, outcome: 'accepted' },
    })

    world.shiftDatabaseTime(60_000)
    await world.settle()
    expect(await world.message(id)).toMatchObject({ state: 'in_doubt' })
    expect(await world.send(id)).toMatchObject({ result: 'not-pending' })
    expect(callsOf(world)).toHaveLength(1)
  })
})

describe('two tries of one message', () => {
  it('make one call', async () => {
    const world = await aWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const reports = await Promise.all([world.send(id), world.send(id), world.send(id, { worker: thatProcess }, never)])
    expect(reports.filter(({ result }) => result === 'sent')).toHaveLength(1)
    expect(callsOf(world)).toHaveLength(1)
  })
})
