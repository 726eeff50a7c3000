import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Arrivals } from '#core/arrivals.ts'
import { dayMs } from '#core/calendar.ts'
import type { Campaign } from '#core/campaign.ts'
import { expectedFrom, type NextTick, upcoming } from '#core/forecast.ts'
import type { Instant } from '#core/instant.ts'
import { outlook } from '#core/outlook.ts'
import type { Quota } from '#core/pace.ts'
import { type Pin, versionOf } from '#core/pin.ts'
import { rememberedTicks } from '#core/remembered-ticks.ts'
import type { KnownReminder } from '#core/reminder.ts'
import { aCampaign, aPin, instant } from './given.ts'

const hourMs = 3_600_000
const ada = { key: 'ada', suppressed: false }

/** Scans at every full quarter of an hour. */
const quarterly: NextTick = (at) => Math.ceil(at / (hourMs / 4)) * (hourMs / 4)

/** Scans once a day, at this hour of UTC. */
function daily(hour: number): NextTick {
  return (at) => Math.ceil((at - hour * hourMs) / dayMs) * dayMs + hour * hourMs
}

function sends(
  pin: Partial<Pin>,
  campaign: Partial<Campaign> = {},
  { from = '2026-05-01T00:00Z', until = '2026-08-01T00:00Z', known = [] as KnownReminder[], nextTick = quarterly } = {},
) {
  return upcoming(aPin(pin), aCampaign(campaign), ada, known, instant(from), instant(until), nextTick).map(
    ({ sendAt, stage }) => `${stage} ${new Date(sendAt).toISOString().slice(0, 16)}`,
  )
}

describe('what is to come of a PIN', () => {
  const pin = { expiresAt: instant('2026-06-20T12:00Z') }

  it('is every stage at the scan after it is due, in order', () => {
    expect(sends(pin)).toEqual([
      '30d 2026-05-21T09:00',
      '14d 2026-06-05T09:00',
      '7d 2026-06-12T09:00',
      '1d 2026-06-19T09:00',
      'expired 2026-06-22T09:00',
    ])
  })

  it('waits for a scan, and then for the window', () => {
    const stages = { stages: ['7d'] } as const
    expect(sends(pin, stages, { nextTick: daily(10) })).toEqual(['7d 2026-06-12T10:00'])
    expect(sends(pin, stages, { nextTick: daily(18) })).toEqual(['7d 2026-06-15T09:00'])
  })

  it('is of several missed stages the nearest alone', () => {
    expect(sends(pin, {}, { from: '2026-06-08T00:00Z' })).toEqual([
      '14d 2026-06-08T09:00',
      '7d 2026-06-12T09:00',
      '1d 2026-06-19T09:00',
      'expired 2026-06-22T09:00',
    ])
  })

  it('is nothing of a stage whose window opens too late for it', () => {
    const often = { stages: ['3d', '2d', '1d'], window: null } as const
    expect(sends(pin, often, { nextTick: daily(12) })).toEqual([
      '3d 2026-06-17T12:00',
      '2d 2026-06-18T12:00',
      '1d 2026-06-19T12:00',
    ])
    const evenings = { ...often, window: { days: ['wed', 'thu', 'fri', 'sat'], fromMinute: 0, toMinute: 60 } } as const
    expect(sends(pin, evenings, { nextTick: daily(12) }), 'superseded each time').toEqual(['1d 2026-06-20T00:00'])
  })

  it('is nothing that was decided or is on its way, and all of it again after a reset', () => {
    const version = versionOf(aPin(pin))
    const known = (['30d', '14d', '7d'] as const).map((stage, n): KnownReminder => {
      return { id: stage, pinId: 'pin-1', version, stage, outcome: n === 2 ? null : 'sent', reason: null }
    })
    expect(sends(pin, {}, { known })).toEqual(['1d 2026-06-19T09:00', 'expired 2026-06-22T09:00'])
    const reset = { ...pin, portalVersion: 'new' }
    expect(sends(reset, {}, { known })).toHaveLength(5)
  })

  it('ends before the end of the span, and is nothing for those who are not written to', () => {
    expect(sends(pin, {}, { until: '2026-06-12T09:00Z' })).toHaveLength(2)
    expect(sends(pin, {}, { until: '2026-06-12T09:00:00.001Z' })).toHaveLength(3)
    expect(sends({ ...pin, status: 'revoked' })).toEqual([])
    const silenced = { key: 'ada', suppressed: true }
    const at = [instant('2026-05-01T00:00Z'), instant('2026-08-01T00:00Z')] as const
    expect(upcoming(aPin(pin), aCampaign(), silenced, [], ...at, quarterly)).toEqual([])
    expect(upcoming(aPin(pin), aCampaign(), null, [], ...at, quarterly)).toEqual([])
  })
})

describe('an outlook', () => {
  const at = instant('2026-06-08T00:00Z')

  type Differs = {
    campaign?: Partial<Campaign>
    quota?: Quota
    perSecond?: number
    counted?: Map<string, number>
    nextTick?: NextTick
  }

  /** Mails by day from `at`: sent, and over. */
  function counts(arrivals: Arrivals, differs: Differs) {
    const campaign = aCampaign({ stages: ['7d', '1d'], ...differs.campaign })
    const days = outlook({
      campaigns: new Map([[0, { campaign, nextTick: differs.nextTick ?? quarterly }]]),
      arrivals,
      shared: {
        perAddressPerDay: null,
        quota: differs.quota ?? null,
        rate: { perSecond: null, reserve: 0.5 },
        perSecond: differs.perSecond ?? null,
      },
      counted: differs.counted ?? new Map(),
      untilAt: at + 14 * dayMs,
    }).get(0)
    return [...(days ?? [])].map(([day, { sent, over }]) => [day - at / dayMs, sent, over])
  }

  /** The same, where one reminder to each of so many people is due at `at`. */
  function days(people: number, differs: Differs) {
    const campaign = aCampaign({ stages: ['7d', '1d'], ...differs.campaign })
    const arrivals = new Arrivals()
    const pin = aPin({ expiresAt: instant('2026-06-15T12:00Z') })
    for (let n = 0; n < people; n++) {
      const reminder = { id: '', pinId: pin.pinId, version: versionOf(pin), stage: '7d' as const, dueAt: at }
      const open = { ...reminder, recipientKey: `person ${n}`, messageId: null }
      const expected = expectedFrom(open, pin, campaign, { key: `person ${n}`, suppressed: false }, at)
      if (expected !== null) arrivals.add(0, `person ${n}`, expected)
    }
    return counts(arrivals, differs)
  }

  /** The same, of reminders that are planned so many hours from `at`, and may go and end so many hours from it. */
  function hours(
    reminders: readonly (readonly [who: string, planned: number, from: number, end: number])[],
    differs: Differs,
  ) {
    const arrivals = new Arrivals()
    for (const [who, planned, from, end] of reminders) {
      const [plannedAt, notBefore, endsAt] = [planned, from, end].map((hour) => at + hour * hourMs) as [
        number,
        number,
        number,
      ]
      arrivals.add(0, who, {
        stage: '7d',
        expiresAt: at + 14 * dayMs,
        plannedAt,
        notBefore,
        notAfter: null,
        endsAt,
        timeZone: 'UTC',
      })
    }
    return counts(arrivals, { ...differs, campaign: { window: null, ...differs.campaign } })
  }

  it('holds back what a limit has no room for, hour by hour and day by day', () => {
    expect(days(10, {})).toEqual([[0, 10, 0]])
    expect(days(10, { campaign: { limit: { perHour: null, perDay: 4 } } })).toEqual([
      [0, 4, 6],
      [1, 4, 2],
      [2, 2, 0],
    ])
    expect(days(20, { campaign: { limit: { perHour: 2, perDay: null } } }), 'eight hours a day').toEqual([
      [0, 16, 4],
      [1, 4, 0],
    ])
  })

  it('knows what of the limit was used before', () => {
    const counted = new Map([['soft-pin:day:2026-06-08', 3]])
    expect(days(5, { campaign: { limit: { perHour: null, perDay: 4 } }, counted })).toEqual([
      [0, 1, 4],
      [1, 4, 0],
    ])
  })

  it('goes no faster than the pace, hour by hour', () => {
    expect(days(20, { perSecond: 2 / 3_600 }), 'eight hours a day').toEqual([
      [0, 16, 4],
      [1, 4, 0],
    ])
  })

  it("leaves the reserve of SES's daily quota to others, and counts what went in the last day", () => {
    const quota = { max24Hour: 20, used: 4, askedAt: at - hourMs }
    expect(days(25, { quota }), 'half of 20, less 4, until those have left the window').toEqual([
      [0, 6, 19],
      [1, 10, 9],
      [2, 9, 0],
    ])
    expect(days(25, { quota: { ...quota, askedAt: at - 2 * dayMs } })[0]).toEqual([0, 10, 15])
  })

  it('leaves one whose window closed meanwhile to the next scan', () => {
    const nextTick: NextTick = (from) => at + Math.ceil((from - at) / (3 * dayMs)) * 3 * dayMs
    expect(days(6, { campaign: { limit: { perHour: null, perDay: 4 } }, nextTick })).toEqual([
      [0, 4, 2],
      [3, 2, 0],
    ])
  })

  it('puts what comes later into the mail that waits, which goes as early as either may', () => {
    expect(
      hours(
        [
          ['ada', 0, 30, 99],
          ['ada', 1, 2, 99],
          ['bob', 1, 2, 99],
        ],
        {},
      ),
    ).toEqual([[0, 2, 0]])
    expect(
      hours(
        [
          ['ada', 0, 2, 99],
          ['ada', 1, 30, 99],
        ],
        {},
      ),
    ).toEqual([[0, 1, 0]])
  })

  it('begins another mail when a scan has dropped the one that waited', () => {
    const limit = { perHour: null, perDay: 1 }
    const bob = ['bob', 0, 0, 99] as const
    expect(hours([bob, ['ada', 1, 1, 3], ['ada', 2, 2, 99]], { campaign: { limit } })).toEqual([
      [0, 1, 1],
      [1, 1, 0],
    ])
    expect(hours([bob, ['ada', 1, 1, 2], ['ada', 4, 4, 99]], { campaign: { limit } })).toEqual([
      [0, 1, 2],
      [1, 1, 0],
    ])
  })

  it('passes over a mail without room as it is, and the next scan fills it again', () => {
    const limit = { perHour: null, perDay: 1 }
    const sevenPast: NextTick = (from) => Math.ceil((from - 7 * 60_000) / hourMs) * hourMs + 7 * 60_000
    const reminders = [
      ['bob', 0, 0, 99],
      ['ada', 0, 2, 2],
      ['ada', 2 + 7 / 60, 2 + 7 / 60, 99],
    ] as const
    expect(hours(reminders, { campaign: { limit }, nextTick: sevenPast })).toEqual([
      [0, 1, 1],
      [1, 1, 0],
    ])
  })

  it('holds everything back, day after day, when a limit never has room', () => {
    expect(days(3, { quota: { max24Hour: 1, used: 0, askedAt: at } })).toEqual([
      [0, 0, 3],
      [1, 0, 3],
      [2, 0, 3],
      [3, 0, 3],
    ])
  })

  it('gives up what a limit kept back until it was not right any more', () => {
    const told = days(30, { campaign: { limit: { perHour: null, perDay: 4 } } })
    // Of the 7d mails those are sent that go before the 1d stage is due, on the fifth day.
    expect(told.map(([, sent]) => sent)).toEqual([4, 4, 4, 4])
    expect(told.at(-1)).toEqual([3, 4, 14])
  })
})

it('remembered ticks are those of the clock, whatever the order of asking', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 40 * dayMs })), (instants: Instant[]) => {
      let asked = 0
      const clock: NextTick = (from) => {
        asked += 1
        return daily(7)(from)
      }
      const remembered = rememberedTicks(clock)
      for (const from of [...instants, ...instants]) expect(remembered(from)).toBe(daily(7)(from))
      expect(asked).toBeLessThanOrEqual(new Set(instants).size)
    }),
  )
})
