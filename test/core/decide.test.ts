import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dayMs } from '#core/calendar.ts'
import type { Campaign, Stage } from '#core/campaign.ts'
import { decide, inPilot, judge, planWrites, reach } from '#core/decide.ts'
import type { Instant } from '#core/instant.ts'
import { type Pin, versionOf } from '#core/pin.ts'
import type { Recipient } from '#core/recipient.ts'
import { type KnownReminder, skipReasons } from '#core/reminder.ts'
import { graceEndsAt, spreadOffsetDays, stageDueAt } from '#core/stages.ts'
import { aCampaign, anyCampaign, anyHeldPin, anyInstant, aPin, aRecipient, instant, officeHours } from './given.ts'

/*
 * The timetable of most rows. Nothing is shifted, so that the time left says what is due: the PIN expires at noon (UTC)
 * and its stages come due at midnight: 7d with 7d12h left, 4d with 4d12h, 1d with 1d12h; expired with 0. The grace ends
 * at -7d.
 */
const campaign = aCampaign({ stages: ['7d', '4d', '1d', 'expired'], window: null, graceDays: 7 })
const expiresAt = instant('2026-06-20T12:00Z')
const recipientKey = 'ada'
const ada = aRecipient(recipientKey)
const silenced: Recipient = { ...ada, suppressed: true }
const withoutExpired: Partial<Campaign> = { stages: ['7d', '4d', '1d'] }

/*
 * Time left → what the ledger knows so far, what is written (+), and why. `7d12h +1ms` is a millisecond more than
 * 7d12h. A line that begins with -- says of what PIN or campaign the next ones speak.
 */
const table = `
left       | 7d              | 4d              | 1d              | expired     | why

-- a PIN in use
9d         |                 |                 |                 |             | no stage is due
7d12h +1ms |                 |                 |                 |             | not due yet by a millisecond
7d12h      | +open           |                 |                 |             | due at the instant itself
7d12h -1ms | +open           |                 |                 |             | due from then on
7d10h      | +open           |                 |                 |             | found by a later scan, if the first was missed
7d11h      | open            |                 |                 |             | the next scan adds nothing
5d         | sent            |                 |                 |             | sent already
5d         | failed          |                 |                 |             | failed is decided too
4d12h +1ms | sent            |                 |                 |             | the next stage is not due yet
4d12h      | sent            | +open           |                 |             | the next stage
4d         | open            | +open           |                 |             | assembly supersedes what is open
1d12h      | sent            | sent            | +open           |             | and the last warning
1d12h +1ms | sent            | sent            |                 |             | not due yet by a millisecond
1d11h      | sent            | sent            | sent            |             | and never again
12h        | sent            | sent            | sent            |             | nothing more on the last day
0ms +1ms   | sent            | sent            | sent            |             | nor in its last millisecond
0ms        | sent            | sent            | sent            | +open       | expired at the instant itself
-7d +1ms   | sent            | sent            | sent            | +open       | the grace's last millisecond
-7d        | sent            | sent            | sent            | +too-late   | the grace has ended
-2d        | sent            | sent            | sent            | sent        | all is said

-- a PIN in use, after an outage or a first run on old data
95h        | +superseded     | +open           |                 |             | two missed: the nearest, once
12h        | sent            | +superseded     | +open           |             | one missed
12h        | +superseded     | sent            | +open           |             | a gap is closed
12h        | open            | open            | +open           |             | held by a stop: only the nearest remains
0ms +1ms   | +superseded     | +superseded     | +open           |             | all missed, still time to warn
0ms        | sent            | sent            | +superseded     | +open       | no warning once it has expired
-2d        | +superseded     | +superseded     | +superseded     | +open       | all missed
-13d       | +superseded     | +superseded     | +superseded     | +too-late   | all missed, and the grace too

-- a campaign without a stage after the expiry
0ms +1ms   | sent            | sent            | +open           |             | still time to warn
0ms        | +too-late       | +too-late       | +too-late       |             | nothing follows
-2d        | sent            | too-late        | too-late        |             | recorded once

-- a campaign that sends from Monday to Friday, 9 to 17; the expiry is on a Saturday
0ms        | sent            | sent            | +superseded     |             | expired waits for the window
-45h       | sent            | sent            | superseded      | +open       | Monday, 9 o'clock
-45h +1ms  | sent            | sent            | superseded      |             | a millisecond before

-- the same campaign, whose warnings of a weekend come due on the Friday before
8d3h +1ms  |                 |                 |                 |             | 7d is a Saturday: not before Friday, 9 o'clock
8d3h       | +open           |                 |                 |             | due on Friday, at 9
4d3h +1ms  | sent            |                 |                 |             | 4d is a Tuesday: not before 9 o'clock
4d3h       | sent            | +open           |                 |             | due on Tuesday, at 9
1d3h +1ms  | sent            | sent            |                 |             | a millisecond before Friday, 9 o'clock
1d3h       | sent            | sent            | +open           |             | due on Friday, at 9

-- the same campaign with a day of grace
-45h       | sent            | sent            | sent            | +too-late   | the window opens after the grace

-- a campaign without grace
0ms +1ms   | sent            | sent            | sent            |             | not expired yet
0ms        | sent            | sent            | sent            | +too-late   | there is no time to say so

-- a person whose warnings are spread two days earlier
9d12h +1ms |                 |                 |                 |             | two days before 7d12h, less a millisecond
9d12h      | +open           |                 |                 |             | due two days earlier
3d12h      | sent            | sent            | +open           |             | and so is the last warning
0ms +1ms   | sent            | sent            | sent            |             | but not the expiry
0ms        | sent            | sent            | sent            | +open       | which never moves

-- a PIN set 3d before its expiry
3d         | +not-applicable | +not-applicable |                 |             | nobody is warned at creation
1d12h      | not-applicable  | not-applicable  | +open           |             | the next stage applies
-1d        | +not-applicable | +not-applicable | +superseded     | +open       | true for ever

-- a PIN set 4d12h before its expiry
4d12h      | +not-applicable | +not-applicable |                 |             | set at the due instant itself

-- a PIN set a millisecond earlier
4d12h      | +not-applicable | +open           |                 |             | it was there when 4d came due

-- a PIN set 1h before its expiry
0ms        | +not-applicable | +not-applicable | +not-applicable | +open       | no warning fits, its expiry does

-- a revoked PIN
4d         | sent            | +revoked        |                 |             | nothing to write about
5d         | revoked         |                 |                 |             | recorded once
-1d        | sent            | sent            | revoked         | +revoked    | it cannot expire any more
-8d        | sent            | sent            | sent            | +too-late   | final wins over what may change

-- a PIN that was never set
4d         | +superseded     | +no-pin         |                 |             | said once, at the nearest stage

-- a PIN without an address
7d         | +no-address     |                 |                 |             | nobody to write to
6d         | no-address      |                 |                 |             | recorded once
4d         | +superseded     | +no-address     |                 |             | said once, at the nearest stage

-- a revoked PIN without an address
7d         | +revoked        |                 |                 |             | says more than a missing address

-- a PIN of a person who is silenced
7d12h +1ms |                 |                 |                 |             | nothing is due
7d         | +suppressed     |                 |                 |             | they get no mail
6d         | suppressed      |                 |                 |             | recorded once
4d         | suppressed      | +suppressed     |                 |             | and once for each stage
95h        | +superseded     | +suppressed     |                 |             | said at the nearest stage
-2d        | suppressed      | suppressed      | suppressed      | +suppressed | and of the expiry
-8d        | suppressed      | suppressed      | suppressed      | +too-late   | final wins

-- a revoked PIN of a person who is silenced
4d         | sent            | +revoked        |                 |             | the portal's reason first: it may be taken back

-- a PIN of a person who is silenced no more
5d         | suppressed      |                 |                 |             | what was passed over is not made up for
4d         | suppressed      | +open           |                 |             | the next stage is told again

-- a PIN in use again
5d         | gone +reopened  |                 |                 |             | the portal had lost it
5d         | revoked +reopened |               |                 |             | it was revoked by mistake
5d         | no-address +reopened |            |                 |             | it has an address now
4d         | gone            | +open           |                 |             | a nearer stage is due by now
5d         | not-applicable +reopened |        |                 |             | the campaign was narrower, or the clock set back
5d         | no-pin          |                 |                 |             | setting one makes another version
5d         | revoked         | sent            |                 |             | no way back: 4d was told before the zone changed
5d         | revoked         | open            |                 |             | nor while it is about to be
5d         | revoked +reopened | suppressed    |                 |             | nobody heard of 4d
5d         | reset           |                 |                 |             | the other version has its own reminders
12h        | sent            | sent            | revoked +reopened |           | also at the last warning
0ms        | sent            | sent            | revoked         | +open       | not once it has expired
-2d        | sent            | sent            | sent            | gone +reopened | also after the expiry
-8d        | sent            | sent            | sent            | gone        | but not after the grace
5d         | suppressed      |                 |                 |             | silenced stays silenced
5d         | superseded      |                 |                 |             | superseded stays superseded
5d         | too-late        |                 |                 |             | too late stays too late
`

/** A person whose warnings come two days earlier in a campaign that spreads them over as many. */
const early =
  people(100).find((key) => spreadOffsetDays({ ...campaign, spreadDays: 2 }, key) === 2) ?? fail('nobody is that early')

interface Given {
  readonly recipient?: Recipient
  readonly pin?: Partial<Pin>
  readonly campaign?: Partial<Campaign>
}

const givens: Readonly<Record<string, Given>> = {
  'a PIN in use': {},
  'a PIN in use, after an outage or a first run on old data': {},
  'a PIN in use again': {},
  'a campaign without a stage after the expiry': { campaign: withoutExpired },
  'a campaign that sends from Monday to Friday, 9 to 17; the expiry is on a Saturday': {
    campaign: { window: officeHours },
  },
  'the same campaign, whose warnings of a weekend come due on the Friday before': { campaign: { window: officeHours } },
  'a campaign without grace': { campaign: { graceDays: 0 } },
  'a person whose warnings are spread two days earlier': {
    campaign: { spreadDays: 2 },
    recipient: aRecipient(early),
  },
  'a PIN of a person who is silenced': { recipient: silenced },
  'a revoked PIN of a person who is silenced': { pin: { status: 'revoked' }, recipient: silenced },
  'a PIN of a person who is silenced no more': {},
  'the same campaign with a day of grace': { campaign: { window: officeHours, graceDays: 1 } },
  'a PIN set 3d before its expiry': { pin: { setAt: at('3d') } },
  'a PIN set 4d12h before its expiry': { pin: { setAt: at('4d12h') } },
  'a PIN set a millisecond earlier': { pin: { setAt: at('4d12h +1ms') } },
  'a PIN set 1h before its expiry': { pin: { setAt: at('1h') } },
  'a revoked PIN': { pin: { status: 'revoked' } },
  'a PIN that was never set': { pin: { status: 'none' } },
  'a PIN without an address': { pin: { email: null } },
  'a revoked PIN without an address': { pin: { status: 'revoked', email: null } },
}

describe('what a scan writes', () => {
  it.each(rowsOf(table))('for $given with $left left: $why', ({ given, left, cells }) => {
    const { pin: pinDiffers, campaign: campaignDiffers, recipient: holder = ada } = givenBy(given)
    const pin = aPin({ expiresAt, ...pinDiffers })
    const recipient = pin.email === null ? null : holder
    const known = cells.flatMap(({ stage, known }) => (known === '' ? [] : [knownAs(known, stage, pin)]))
    const decisions = decide(pin, { ...campaign, ...campaignDiffers }, recipient, at(left))
    const { inserts, reopens } = planWrites(decisions, known, recipient)

    expect([
      ...inserts.map(({ stage, skip }) => `${stage} ${skip ?? 'open'}`),
      ...reopens.map((stage) => `${stage} reopened`),
    ]).toEqual(cells.flatMap(({ stage, written }) => (written === '' ? [] : [`${stage} ${written}`])))
  })

  it('for a PIN that was reset: all stages anew, whatever was decided of the version before', () => {
    const pin = aPin({ expiresAt })
    const known = [knownAs('sent', '7d', aPin({ expiresAt: expiresAt - dayMs }))]
    const { inserts } = planWrites(decide(pin, campaign, ada, at('7d')), known, ada)
    expect(inserts.map(({ stage, skip }) => [stage, skip])).toEqual([['7d', null]])
  })

  it('names PIN, version, due instant and recipient', () => {
    const decisions = decide(aPin({ expiresAt }), campaign, ada, at('7d'))
    expect(planWrites(decisions, [], ada).inserts).toEqual([
      {
        pinId: 'pin-1',
        version: '-/2026-06-20T12:00:00Z',
        stage: '7d',
        dueAt: instant('2026-06-13T00:00Z'),
        recipientKey: 'ada',
        skip: null,
      },
    ])
  })

  it('merges stages that a weekend moves onto one day into the nearest', () => {
    const everyDay = aCampaign({ stages: ['3d', '2d', '1d'] })
    const pin = aPin({ expiresAt: instant('2026-06-22T12:00Z') })
    const friday = instant('2026-06-19T09:00Z')
    expect(decide(pin, everyDay, ada, friday - 1)).toEqual([])
    expect(decide(pin, everyDay, ada, friday).map(({ stage, skip }) => [stage, skip])).toEqual([
      ['3d', 'superseded'],
      ['2d', 'superseded'],
      ['1d', null],
    ])
  })
})

describe('who is decided about', () => {
  const oneAccount: Partial<Campaign> = { pins: { kind: 'caller-pin', accounts: ['acme'], percent: 100 } }
  const oneInTen = aCampaign({ pins: { kind: 'caller-pin', accounts: null, percent: 10 } })
  const due = at('7d')

  it.each<[string, Partial<Pin>, Partial<Campaign>, number]>([
    ['a PIN of the kind', {}, {}, 1],
    ['no PIN of another kind', { kind: 'badge' }, {}, 0],
    ['a PIN of an account named', { accountId: 'acme' }, oneAccount, 1],
    ['no PIN of another account', { accountId: 'other' }, oneAccount, 0],
    ['no PIN without an account where accounts are named', { accountId: null }, oneAccount, 0],
  ])('%s', (_, pin, differs, decisions) => {
    expect(decide(aPin({ expiresAt, ...pin }), { ...campaign, ...differs }, ada, due)).toHaveLength(decisions)
  })

  it('only the people of the pilot, with all of their PINs', () => {
    for (const key of people(200)) {
      for (const pinId of ['pin-1', 'pin-2']) {
        const decided =
          decide(aPin({ pinId, expiresAt }), { ...oneInTen, window: null }, aRecipient(key), due).length > 0
        expect(decided).toBe(inPilot(oneInTen, key))
      }
    }
  })

  it('about as many people as the pilot says, and those remain when it grows', () => {
    const members = (percent: number) =>
      people(10_000).filter((key) => inPilot({ ...oneInTen, pins: { ...oneInTen.pins, percent } }, key))
    const [few, more] = [members(10), members(30)]
    expect(Math.abs(few.length - 1_000)).toBeLessThan(150)
    expect(Math.abs(more.length - 3_000)).toBeLessThan(230)
    expect(few.every((key) => more.includes(key))).toBe(true)
    expect(members(0)).toEqual([])
    expect(members(100)).toHaveLength(10_000)
  })

  it('people of a small pilot whom the spread takes apart as evenly as all others', () => {
    const small = { ...oneInTen, pins: { ...oneInTen.pins, percent: 2 }, spreadDays: 4 }
    const members = people(50_000).filter((key) => inPilot(small, key))
    const mean = members.length / 5
    for (let offset = 0; offset <= 4; offset++) {
      const share = members.filter((key) => spreadOffsetDays(small, key) === offset).length
      expect(Math.abs(share - mean)).toBeLessThan(5 * Math.sqrt(mean))
    }
  })

  it('nobody without an address while there is a pilot: none can say whether they belong to it', () => {
    expect(inPilot(oneInTen, null)).toBe(false)
    expect(inPilot(campaign, null)).toBe(true)
  })
})

describe('judge', () => {
  const pin = aPin({ expiresAt })
  const reminder = (stage: Stage, of: Pin = pin) => ({ pinId: of.pinId, version: versionOf(of), stage })

  it.each<[string, Stage, string, Partial<Pin> | undefined, string]>([
    ['due and nearest', '7d', '7d12h', {}, 'current'],
    ['the portal has it no more', '7d', '7d', undefined, 'gone'],
    ['set anew', '7d', '7d', { setAt: expiresAt - 7 * dayMs }, 'reset'],
    ['its expiry moved', '7d', '7d', { expiresAt: expiresAt + 1_000 }, 'reset'],
    ['the portal counts versions itself', '7d', '7d', { portalVersion: '2' }, 'reset'],
    ['reset and then revoked: its version is gone', '7d', '7d', { portalVersion: '2', status: 'revoked' }, 'reset'],
    ['revoked', '7d', '7d', { status: 'revoked' }, 'revoked'],
    ['no PIN any more', '7d', '7d', { status: 'none' }, 'no-pin'],
    ['address taken away', '7d', '7d', { email: null }, 'no-address'],
    ['a nearer stage is not due yet', '7d', '4d12h +1ms', {}, 'current'],
    ['a nearer stage came due', '7d', '4d12h', {}, 'superseded'],
    ['a millisecond before the expiry', '1d', '0ms +1ms', {}, 'current'],
    ['the PIN expired', '1d', '0ms', {}, 'superseded'],
    ['expired, within the grace', 'expired', '-7d +1ms', {}, 'current'],
    ['the grace ended', 'expired', '-7d', {}, 'too-late'],
    ['of another kind by now', '7d', '7d', { kind: 'badge' }, 'not-applicable'],
    ['held by a stop until a nearer stage came due', '7d', '1d', {}, 'superseded'],
    ['held by a stop beyond the grace', '7d', '-8d', {}, 'superseded'],
    ['its expiry moved after it had expired', 'expired', '-1d', { expiresAt: expiresAt + dayMs }, 'reset'],
    ['revoked after it had expired', 'expired', '-1d', { status: 'revoked' }, 'revoked'],
    ['revoked, and the grace ended', 'expired', '-7d', { status: 'revoked' }, 'too-late'],
    ['revoked, and its address taken away', '7d', '7d', { status: 'revoked', email: null }, 'revoked'],
  ])('%s', (_, stage, left, changes, verdict) => {
    const now = changes && { ...pin, ...changes }
    const recipient = now?.email ? ada : null
    expect(judge(reminder(stage), now, campaign, recipient, at(left))).toBe(verdict)
  })

  it('says too late at the expiry when no stage follows', () => {
    expect(judge(reminder('1d'), pin, { ...campaign, ...withoutExpired }, ada, at('0ms'))).toBe('too-late')
  })

  it('of a person who is silenced says so, where nothing else speaks against the mail', () => {
    expect(judge(reminder('7d'), pin, campaign, silenced, at('7d'))).toBe('suppressed')
    expect(judge(reminder('7d'), pin, campaign, silenced, at('4d'))).toBe('superseded')
    expect(judge(reminder('7d'), { ...pin, status: 'revoked' }, campaign, silenced, at('7d'))).toBe('revoked')
    expect(judge(reminder('7d'), undefined, campaign, silenced, at('7d'))).toBe('gone')
  })

  it('does not do what the campaign has dropped', () => {
    const fewer = { ...campaign, stages: ['4d', 'expired'] as const }
    expect(judge(reminder('7d'), pin, fewer, ada, at('7d'))).toBe('not-applicable')
    const pilot = { ...campaign, pins: { ...campaign.pins, percent: 0 } }
    expect(judge(reminder('7d'), pin, pilot, ada, at('7d'))).toBe('not-applicable')
  })

  it('lets a scan take back a missing address also during a pilot', () => {
    const pilot = { ...campaign, pins: { ...campaign.pins, percent: 50 } }
    expect(judge(reminder('7d'), { ...pin, email: null }, pilot, null, at('7d'))).toBe('no-address')
  })

  it('holds to what was due when the holder moves to a zone where it is not yet', () => {
    const inBerlin = aPin({ expiresAt, timeZone: 'Europe/Berlin' })
    const inNewYork = { ...inBerlin, timeZone: 'America/New_York' }
    const dueAt = stageDueAt('7d', inBerlin, campaign, recipientKey)
    expect(stageDueAt('7d', inNewYork, campaign, recipientKey)).toBeGreaterThan(dueAt)
    expect(judge(reminder('7d', inBerlin), inNewYork, campaign, ada, dueAt)).toBe('current')
  })

  it('never tells of an expiry that has not come, also when the business clock was set back', () => {
    expect(judge(reminder('expired'), pin, campaign, ada, at('0ms +1ms'))).toBe('not-applicable')
  })
})

describe('decisions', () => {
  it('are open for one stage at most, the nearest', () => {
    fc.assert(
      fc.property(anyCampaign, anyHeldPin, anyOffsetMs, (any, { pin, recipientKey: key }, offset) => {
        const decisions = decide(pin, any, aRecipient(key), pin.expiresAt + offset)
        expect(decisions.slice(0, -1).every(({ skip }) => skip !== null)).toBe(true)
      }),
    )
  })

  it('cover all that is due and nothing else, and come in time order', () => {
    fc.assert(
      fc.property(anyCampaign, anyHeldPin, anyOffsetMs, (any, { pin, recipientKey: key }, offset) => {
        const now = pin.expiresAt + offset
        const due = any.stages.filter((stage) => stageDueAt(stage, pin, any, key) <= now)
        expect(decide(pin, any, aRecipient(key), now).map(({ stage }) => stage)).toEqual(due)
      }),
    )
  })

  it('never come back as time goes on: what was skipped stays skipped', () => {
    fc.assert(
      fc.property(anyCampaign, anyHeldPin, anyOffsetMs, anyOffsetMs, (any, { pin, recipientKey: key }, one, other) => {
        const [early, late] = [Math.min(one, other), Math.max(one, other)]
        const later = new Map(
          decide(pin, any, aRecipient(key), pin.expiresAt + late).map((decision) => [decision.stage, decision]),
        )
        for (const { stage, dueAt, skip } of decide(pin, any, aRecipient(key), pin.expiresAt + early)) {
          const then = later.get(stage)
          expect(then?.dueAt).toBe(dueAt)
          if (skip !== null) expect(then?.skip).not.toBeNull()
          if (skip === 'not-applicable' || skip === 'too-late') expect(then?.skip).toBe(skip)
        }
      }),
    )
  })

  it('open a warning only before the expiry, and `expired` only from then to the end of the grace', () => {
    fc.assert(
      fc.property(anyCampaign, anyHeldPin, anyOffsetMs, (any, { pin, recipientKey: key }, offset) => {
        const now = pin.expiresAt + offset
        const open = decide(pin, any, aRecipient(key), now).find(({ skip }) => skip === null)
        if (open === undefined) return
        expect(now >= pin.expiresAt).toBe(open.stage === 'expired')
        expect(now).toBeLessThan(Math.max(pin.expiresAt, graceEndsAt(pin, any)))
        expect(open.dueAt).toBeGreaterThan(pin.setAt ?? Number.NEGATIVE_INFINITY)
      }),
    )
  })
})

describe('reach', () => {
  it('goes from the grace and a week back to the widest stage, the spread and nine days ahead', () => {
    const spread = aCampaign({ stages: ['30d', '7d', 'expired'], graceDays: 5, spreadDays: 3 })
    const now = instant('2026-06-20T12:00Z')
    expect(reach(spread, now)).toEqual({ fromAt: now - 12 * dayMs, toAt: now + 42 * dayMs })
    expect(reach({ ...spread, stages: ['expired'] }, now).toAt).toBe(now + 12 * dayMs)
  })

  it('holds every PIN that has an open stage', () => {
    fc.assert(
      fc.property(anyCampaign, anyHeldPin, anyInstant, anyOffsetMs, (any, { pin, recipientKey: key }, now, offset) => {
        const near = { ...pin, setAt: null, expiresAt: now - offset }
        if (!decide(near, any, aRecipient(key), now).some(({ skip }) => skip === null)) return
        const { fromAt, toAt } = reach(any, now)
        expect(near.expiresAt).toBeGreaterThanOrEqual(fromAt)
        expect(near.expiresAt).toBeLessThan(toAt)
      }),
    )
  })

  it('holds the first instant of every stage, and the one at which it is too late', () => {
    fc.assert(
      fc.property(anyCampaign, anyHeldPin, (any, { pin, recipientKey: key }) => {
        const moments = [...any.stages.map((stage) => stageDueAt(stage, pin, any, key)), graceEndsAt(pin, any)]
        for (const moment of moments) {
          const { fromAt, toAt } = reach(any, moment)
          expect(pin.expiresAt).toBeGreaterThanOrEqual(fromAt)
          expect(pin.expiresAt).toBeLessThan(toAt)
        }
      }),
    )
  })
})

/** Around an expiry: from before the widest stage to after the longest grace, often where rules meet. */
const anyOffsetMs = fc.oneof(
  fc.integer({ min: -110 * dayMs, max: 25 * dayMs }),
  fc.integer({ min: -70, max: 15 }).map((days) => days * dayMs),
  fc.constantFrom(-1, 0, 1),
)

/** The instant at which so much time is left. */
function at(left: string): Instant {
  const form = /^(?<sign>-?)(?:(?<days>\d+)d)?(?:(?<hours>\d+)h)?(?:0ms)?(?: (?<shift>[+-]1)ms)?$/
  const { sign, days = 0, hours = 0, shift = 0 } = form.exec(left)?.groups ?? fail(`no time left: ${left}`)
  const leftMs = Number(days) * dayMs + (Number(hours) * dayMs) / 24
  return expiresAt - (sign === '-' ? -leftMs : leftMs) - Number(shift)
}

function givenBy(sentence: string): Given {
  return givens[sentence] ?? fail(`no such given: ${sentence}`)
}

interface Row {
  readonly given: string
  readonly left: string
  readonly cells: readonly { readonly stage: Stage; readonly known: string; readonly written: string }[]
  readonly why: string
}

function rowsOf(text: string): Row[] {
  const rows: Row[] = []
  let given = ''
  for (const line of text.split('\n').slice(2)) {
    if (line.startsWith('-- ')) given = line.slice(3)
    else if (line !== '') rows.push({ given, ...rowOf(line) })
  }
  return rows
}

function rowOf(line: string): Omit<Row, 'given'> {
  const [left = '', ...rest] = line.split('|').map((cell) => cell.trim())
  const cells = campaign.stages.map((stage, index) => {
    const [known = '', written = ''] = (rest[index] ?? '').split('+').map((part) => part.trim())
    return { stage, known, written }
  })
  return { left, cells, why: rest.at(-1) ?? '' }
}

/** A reminder of the ledger; its id is its stage. */
function knownAs(what: string, stage: Stage, pin: Pin): KnownReminder {
  const key = { id: stage, pinId: pin.pinId, version: versionOf(pin), stage }
  if (what === 'open') return { ...key, outcome: null, reason: null }
  if (what === 'sent' || what === 'failed') return { ...key, outcome: what, reason: null }
  const reason = skipReasons.find((known) => known === what) ?? fail(`no such outcome: ${what}`)
  return { ...key, outcome: 'skipped', reason }
}

function fail(sentence: string): never {
  throw new Error(sentence)
}

function people(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `recipient-${number}`)
}
