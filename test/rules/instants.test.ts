import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dayMs, daysLeft, localDate, openingAt, zoneOf } from '#core/calendar.ts'
import { type SendingWindow, weekdays } from '#core/campaign.ts'
import { decide, judge } from '#core/decide.ts'
import type { Instant } from '#core/instant.ts'
import { versionOf } from '#core/pin.ts'
import { anyCampaign, anyHeldPin, anyInstant, anyOpenWindow, anyZone } from '../core/given.ts'
import { comesDueAt, standings, stillStands } from './oracle.ts'
import { runs } from './runs.ts'
import { dateIn, daysFrom, sameTimeLater } from './wall-clock.ts'

/** Around the days on which most of the zones change their clocks. */
const anyChange = fc
  .tuple(
    fc.constantFrom(
      '2026-03-08',
      '2026-03-29',
      '2026-04-05',
      '2026-04-24',
      '2026-10-04',
      '2026-10-25',
      '2026-10-30',
      '2026-11-01',
    ),
    fc.integer({ min: -40 * 3_600_000, max: 40 * 3_600_000 }),
  )
  .map(([date, offsetMs]) => Date.parse(`${date}T12:00Z`) + offsetMs)

const anyNight = fc
  .record({ fromMinute: fc.integer({ min: 0, max: 180 }), minutes: fc.integer({ min: 1, max: 120 }) })
  .map(({ fromMinute, minutes }): SendingWindow => ({ days: weekdays, fromMinute, toMinute: fromMinute + minutes }))

/** One PIN, asked about at a moment at which something may change, or right beside it. */
const anyQuestion = fc
  .record({
    campaign: anyCampaign,
    /** Where it is given: a window that begins, or lies, in the hours in which clocks are changed. */
    atNight: fc.option(anyNight, { freq: 2 }),
    held: anyHeldPin,
    /** An expiry from which stages and grace lie across a change of clocks. */
    changeAt: fc.option(anyChange, { freq: 2 }),
    awayMs: fc.integer({ min: -10 * dayMs, max: 10 * dayMs }),
    suppressed: fc.boolean(),
    percent: fc.constantFrom(100, 100, 50),
    moment: fc.nat({ max: 12 }),
    beside: fc.constantFrom(-1, 0, 0, 1),
    /** Set at the due instant of this stage, or beside it. */
    setAtStage: fc.option(fc.nat({ max: 4 }), { freq: 2 }),
    setBeside: fc.constantFrom(-1, 0, 1),
    offsetMs: fc.integer({ min: -100 * dayMs, max: 25 * dayMs }),
  })
  .map(
    ({
      campaign: any,
      atNight,
      held,
      changeAt,
      awayMs,
      suppressed,
      percent,
      moment,
      beside,
      setAtStage,
      setBeside,
      offsetMs,
    }) => {
      const campaign = { ...any, window: atNight ?? any.window, pins: { ...any.pins, percent } }
      const person = held.recipientKey === null ? null : { key: held.recipientKey, suppressed }
      const expiresAt = changeAt === null ? held.pin.expiresAt : changeAt + awayMs
      const expiring = { ...held.pin, expiresAt }
      const dues = campaign.stages.map((stage) => comesDueAt(stage, expiring, campaign, person))
      const setAt = setAtStage === null ? expiring.setAt : (dues[setAtStage % dues.length] as Instant) + setBeside
      const pin = { ...expiring, setAt }
      const moments = [
        ...dues,
        pin.expiresAt,
        pin.setAt ?? pin.expiresAt + offsetMs,
        sameTimeLater(pin.expiresAt, campaign.graceDays, zoneOf(pin, campaign)),
        pin.expiresAt + offsetMs,
      ]
      return { campaign, pin, person, at: (moments[moment % moments.length] as Instant) + beside }
    },
  )

describe('at every instant, and a millisecond before and after it', () => {
  it('a scan decides what the oracle says', () => {
    fc.assert(
      fc.property(anyQuestion, ({ campaign, pin, person, at }) => {
        const decided = decide(pin, campaign, person, at)
        const expected = standings(pin, campaign, person, at)
        expect(decided.map(({ stage, skip }) => [stage, skip ?? 'open'])).toEqual(
          campaign.stages.flatMap((stage) => (expected.has(stage) ? [[stage, expected.get(stage)]] : [])),
        )
        for (const { stage, dueAt } of decided) expect(dueAt).toBe(comesDueAt(stage, pin, campaign, person))
      }),
      runs(1_200),
    )
  })

  it('the re-read before a mail judges as the oracle does, also what was planned of another version or stage', () => {
    const anyPlanned = fc.record({ stage: fc.constantFrom('30d', '7d', '1d', 'expired'), same: fc.boolean() })
    fc.assert(
      fc.property(anyQuestion, anyPlanned, fc.nat(), ({ campaign, pin, person, at }, planned, nth) => {
        const stage = nth % 4 === 0 ? planned.stage : (campaign.stages[nth % campaign.stages.length] ?? '7d')
        const version = nth % 7 === 0 ? 'another' : versionOf(pin)
        const reminder = { pinId: pin.pinId, version, stage: stage as '7d' }
        const now = nth % 11 === 0 ? undefined : pin
        const verdict = judge(reminder, now, campaign, person, at)
        expect(verdict === 'current' ? 'open' : verdict).toBe(stillStands(reminder, now, campaign, person, at))
      }),
      runs(1_200),
    )
  })

  it('the scan and the re-read agree', () => {
    fc.assert(
      fc.property(anyQuestion, ({ campaign, pin, person, at }) => {
        for (const decision of decide(pin, campaign, person, at)) {
          expect(judge(decision, pin, campaign, person, at)).toBe(decision.skip ?? 'current')
        }
      }),
      runs(1_200),
    )
  })

  it('dates and days are those of the calendar on the wall', () => {
    fc.assert(
      fc.property(anyQuestion, ({ campaign, pin, at }) => {
        const zone = zoneOf(pin, campaign)
        expect(localDate(at, zone)).toBe(dateIn(zone, at).toString())
        expect(daysLeft(pin.expiresAt, at, zone)).toBe(Math.max(0, daysFrom(at, pin.expiresAt, zone)))
      }),
      runs(800),
    )
  })
})

/*
 * A window opens when clocks first show its begin on a day, or have leapt over it, and closes when they first show its end.
 * So an hour that clocks show twice belongs to the window once, from its first minute to its last.
 */
describe('openingAt', () => {
  it('is what somebody finds who looks at the clock every minute', () => {
    fc.assert(
      fc.property(anyOpenWindow, anyZone, fc.oneof(anyInstant, anyChange), (window, zone, at) => {
        const { opensAt, closesAt } = openingAt(window, zone, at)
        expect({ opensAt, closesAt }).toEqual(watched(window, zone, at))
      }),
      runs(150),
    )
  })
})

const minuteMs = 60_000

/** The first opening that ends after `at`, by looking at the clock every minute from two days before. */
function watched(window: SendingWindow, zone: string, at: Instant): { opensAt: Instant; closesAt: Instant } {
  const show = clockOf(zone)
  let date = ''
  let opensAt: Instant | null = null
  let closed = false
  for (let minute = Math.floor(at / minuteMs) * minuteMs - 2 * dayMs; ; minute += minuteMs) {
    const shown = show(minute)
    if (shown.date !== date) {
      // Midnight closes what lasts all day.
      if (opensAt !== null && !closed && minute > at) return { opensAt, closesAt: minute }
      date = shown.date
      opensAt = null
      closed = false
    }
    if (closed) continue
    if (shown.minute >= window.toMinute) {
      closed = true
      if (opensAt !== null && minute > at) return { opensAt, closesAt: minute }
    } else if (opensAt === null && shown.minute >= window.fromMinute && window.days.includes(shown.weekday)) {
      opensAt = minute
    }
  }
}

interface Shown {
  readonly date: string
  readonly weekday: SendingWindow['days'][number]
  readonly minute: number
}

function clockOf(timeZone: string): (at: Instant) => Shown {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return (at) => {
    // "Sun, 29/03/2026, 12:00"
    const [weekday = '', date = '', time = ''] = format.format(at).split(', ')
    const [hours, minutes] = time.split(':')
    const minute = Number(hours) * 60 + Number(minutes)
    return { date, weekday: weekday.toLowerCase() as Shown['weekday'], minute }
  }
}
