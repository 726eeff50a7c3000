import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { localDay, openingAt, timeOfDay, zoneOf } from '#core/calendar.ts'
import type { Campaign, Stage } from '#core/campaign.ts'
import type { Pin } from '#core/pin.ts'
import {
  graceEndsAt,
  isMoreUrgent,
  mostUrgent,
  priorityOf,
  smallestGapDays,
  spreadOffsetDays,
  stageDays,
  stageDueAt,
  widestStageDays,
} from '#core/stages.ts'
import { aCampaign, anyCampaign, anyHeldPin, aPin, instant } from './given.ts'

function due(stage: Stage, pin: Partial<Pin>, campaign: Partial<Campaign> = {}): string {
  return new Date(stageDueAt(stage, aPin(pin), aCampaign(campaign), 'ada')).toISOString()
}

function iso(text: string): string {
  return new Date(instant(text)).toISOString()
}

describe('stageDueAt', () => {
  it('counts back from the local date of the expiry, whatever its time of day', () => {
    const early = { timeZone: 'Europe/Berlin', expiresAt: instant('2026-06-25T00:00+02:00') }
    const late = { timeZone: 'Europe/Berlin', expiresAt: instant('2026-06-25T23:59:59.999+02:00') }
    expect(due('7d', early)).toBe(iso('2026-06-18T09:00+02:00'))
    expect(due('7d', late)).toBe(iso('2026-06-18T09:00+02:00'))
  })

  it('takes another day for a person in another zone, from the same expiry', () => {
    const expiresAt = instant('2026-06-25T12:00Z')
    expect(due('7d', { expiresAt, timeZone: 'Pacific/Tongatapu' })).toBe(iso('2026-06-19T09:00+13:00'))
    expect(due('7d', { expiresAt, timeZone: 'America/New_York' })).toBe(iso('2026-06-18T09:00-04:00'))
  })

  it("uses the campaign's zone for a PIN without one", () => {
    const expiresAt = instant('2026-06-25T12:00Z')
    expect(due('7d', { expiresAt }, { timeZone: 'Asia/Kolkata' })).toBe(iso('2026-06-18T09:00+05:30'))
  })

  it.each([
    ['1d', 'Monday', '2026-06-22T12:00Z', 'Friday', '2026-06-19T09:00Z'],
    ['1d', 'Sunday', '2026-06-21T12:00Z', 'Friday', '2026-06-19T09:00Z'],
    ['1d', 'Saturday', '2026-06-20T12:00Z', 'Friday', '2026-06-19T09:00Z'],
    ['1d', 'Tuesday', '2026-06-23T12:00Z', 'Monday', '2026-06-22T09:00Z'],
    ['7d', 'Sunday', '2026-06-21T12:00Z', 'Friday of the week before', '2026-06-12T09:00Z'],
  ] as const)('warns %s before a %s on an earlier sending day, never on a later one', (stage, _, expiry, __, dueAt) => {
    expect(due(stage, { expiresAt: instant(expiry) })).toBe(iso(dueAt))
  })

  it('is at local midnight on any day without a window', () => {
    const pin = { timeZone: 'Asia/Kolkata', expiresAt: instant('2026-06-22T12:00+05:30') }
    expect(due('1d', pin, { window: null })).toBe(iso('2026-06-21T00:00+05:30'))
  })

  it.each([
    ['Europe/Berlin', '2026-04-02T12:00+02:00', '2026-03-26T09:00+01:00'],
    ['Europe/Berlin', '2026-10-29T12:00+01:00', '2026-10-22T09:00+02:00'],
    ['America/New_York', '2026-03-12T12:00-04:00', '2026-03-05T09:00-05:00'],
    ['America/New_York', '2026-11-05T12:00-05:00', '2026-10-29T09:00-04:00'],
    ['Australia/Lord_Howe', '2026-10-08T12:00+11:00', '2026-10-01T09:00+10:30'],
    ['Australia/Lord_Howe', '2026-04-09T12:00+10:30', '2026-04-02T09:00+11:00'],
    ['Pacific/Auckland', '2026-10-01T12:00+13:00', '2026-09-24T09:00+12:00'],
    ['Pacific/Auckland', '2026-04-09T12:00+12:00', '2026-04-02T09:00+13:00'],
  ])('keeps day and hour in %s when clocks change in between (expiry %s)', (timeZone, expiry, dueAt) => {
    expect(due('7d', { timeZone, expiresAt: instant(expiry) })).toBe(iso(dueAt))
  })

  it('is at the first instant of a day whose midnight clocks skip', () => {
    const pin = { timeZone: 'Asia/Beirut', expiresAt: instant('2026-03-30T12:00+03:00') }
    expect(due('1d', pin, { window: null })).toBe(iso('2026-03-29T01:00+03:00'))
  })

  it('counts a leap day and passes over the end of the year', () => {
    expect(due('1d', { expiresAt: instant('2028-03-01T12:00Z') })).toBe(iso('2028-02-29T09:00Z'))
    expect(due('1d', { expiresAt: instant('2026-03-03T12:00Z') })).toBe(iso('2026-03-02T09:00Z'))
    expect(due('7d', { expiresAt: instant('2027-01-04T12:00Z') })).toBe(iso('2026-12-28T09:00Z'))
  })

  describe('of `expired`', () => {
    it.each([
      ['at the expiry itself inside the window', '2026-06-18T12:34:56.789Z', '2026-06-18T12:34:56.789Z'],
      ['at the expiry itself at the instant the window opens', '2026-06-18T09:00Z', '2026-06-18T09:00Z'],
      ['when the window opens that day', '2026-06-18T08:59:59.999Z', '2026-06-18T09:00Z'],
      ['the next day when the window has just closed', '2026-06-18T17:00Z', '2026-06-19T09:00Z'],
      ['after the weekend', '2026-06-19T17:00Z', '2026-06-22T09:00Z'],
    ])('is %s', (_, expiry, dueAt) => {
      expect(due('expired', { expiresAt: instant(expiry) })).toBe(iso(dueAt))
    })

    it('is at the expiry without a window', () => {
      expect(due('expired', { expiresAt: instant('2026-06-20T03:00Z') }, { window: null })).toBe(
        iso('2026-06-20T03:00Z'),
      )
    })
  })

  it('of a nearer stage is never before that of a wider one', () => {
    fc.assert(
      fc.property(anyCampaign, anyHeldPin, (campaign, { pin, recipientKey }) => {
        const dues = campaign.stages.map((stage) => stageDueAt(stage, pin, campaign, recipientKey))
        expect(dues).toEqual(dues.toSorted((one, other) => one - other))
      }),
    )
  })

  it('of a warning is on the last sending day up to the one that lies its days before the expiry', () => {
    fc.assert(
      fc.property(anyCampaign, anyHeldPin, (campaign, { pin, recipientKey }) => {
        const zone = zoneOf(pin, campaign)
        const opensOn = (day: number) => {
          const dayAt = timeOfDay(day, 0, zone)
          return localDay(openingAt(campaign.window, zone, dayAt).opensAt, zone) === localDay(dayAt, zone)
        }
        for (const stage of campaign.stages.filter((one) => one !== 'expired')) {
          const dueAt = stageDueAt(stage, pin, campaign, recipientKey)
          const dueDay = localDay(dueAt, zone)
          const offset = spreadOffsetDays(campaign, recipientKey)
          const wantedDay = localDay(pin.expiresAt, zone) - stageDays(stage) - offset
          expect(dueAt).toBeLessThan(pin.expiresAt)
          expect(opensOn(dueDay)).toBe(true)
          for (let day = dueDay + 1; day <= wantedDay; day++) expect(opensOn(day)).toBe(false)
          expect(dueDay).toBeLessThanOrEqual(wantedDay)
        }
      }),
    )
  })

  it('of `expired` is not before the expiry, and inside the window', () => {
    fc.assert(
      fc.property(anyCampaign, anyHeldPin, (campaign, { pin }) => {
        const dueAt = stageDueAt('expired', pin, campaign, null)
        expect(dueAt).toBeGreaterThanOrEqual(pin.expiresAt)
        expect(openingAt(campaign.window, zoneOf(pin, campaign), dueAt).opensAt).toBeLessThanOrEqual(dueAt)
      }),
    )
  })
})

describe('spread', () => {
  const everyDay = aCampaign({ window: null, spreadDays: 5 })
  const flat = aCampaign({ window: null })
  const recipients = Array.from({ length: 200 }, (_, number) => `recipient-${number}`)

  it('moves all warnings of a person, and all their PINs, earlier by one number of days', () => {
    fc.assert(
      fc.property(fc.constantFrom(...recipients), anyHeldPin, (recipientKey, { pin }) => {
        const timeZone = zoneOf(pin, flat)
        const moved = (['30d', '14d', '7d', '1d'] as const).map(
          (stage) =>
            localDay(stageDueAt(stage, pin, flat, recipientKey), timeZone) -
            localDay(stageDueAt(stage, pin, everyDay, recipientKey), timeZone),
        )
        expect(new Set(moved)).toEqual(new Set([spreadOffsetDays(everyDay, recipientKey)]))
      }),
    )
  })

  it('never moves `expired`', () => {
    for (const key of recipients) {
      expect(stageDueAt('expired', aPin(), everyDay, key)).toBe(stageDueAt('expired', aPin(), flat, key))
    }
  })

  it('uses every number of days from none to all', () => {
    expect(new Set(recipients.map((key) => spreadOffsetDays(everyDay, key)))).toEqual(new Set([0, 1, 2, 3, 4, 5]))
  })

  it('is none without spread, and for a PIN that has no address', () => {
    expect(recipients.map((key) => spreadOffsetDays(flat, key)).every((days) => days === 0)).toBe(true)
    expect(spreadOffsetDays(everyDay, null)).toBe(0)
  })

  it('moves first, and looks for an earlier sending day then', () => {
    const weekdays = aCampaign({ spreadDays: 5 })
    const key = recipients.find((recipient) => spreadOffsetDays(weekdays, recipient) === 2) ?? ''
    // Tuesday the 23rd, 1 + 2 days back: a Saturday.
    const pin = aPin({ expiresAt: instant('2026-06-23T12:00Z') })
    expect(stageDueAt('1d', pin, weekdays, key)).toBe(instant('2026-06-19T09:00Z'))
  })
})

describe('graceEndsAt', () => {
  it('is at the same time of day, calendar days later in the zone of the PIN', () => {
    const pin = aPin({ timeZone: 'Europe/Berlin', expiresAt: instant('2026-03-26T10:15+01:00') })
    expect(graceEndsAt(pin, aCampaign({ graceDays: 7 }))).toBe(instant('2026-04-02T10:15+02:00'))
  })

  it('is the expiry itself without grace', () => {
    expect(graceEndsAt(aPin(), aCampaign({ graceDays: 0 }))).toBe(aPin().expiresAt)
  })
})

describe('the order of stages', () => {
  it('is by days, and `expired` before all', () => {
    expect(
      (['30d', 'expired', '1d', '7d', '14d'] as Stage[]).sort((one, other) => priorityOf(one) - priorityOf(other)),
    ).toEqual(['expired', '1d', '7d', '14d', '30d'])
    expect(isMoreUrgent('7d', '14d')).toBe(true)
    expect(isMoreUrgent('14d', '7d')).toBe(false)
    expect(isMoreUrgent('7d', '7d')).toBe(false)
    expect(mostUrgent(['30d', '7d', '14d'])).toBe('7d')
    expect(mostUrgent(['1d', 'expired'])).toBe('expired')
  })

  it('gives the days of a stage, and of the widest', () => {
    expect(stageDays('365d')).toBe(365)
    expect(stageDays('expired')).toBe(0)
    expect(widestStageDays(['30d', '7d', 'expired'])).toBe(30)
    expect(widestStageDays(['expired'])).toBe(0)
  })
})

describe('smallestGapDays', () => {
  it.each([
    [['30d', '14d', '7d', '1d', 'expired'], 6],
    [['10d', '9d', '1d'], 1],
    [['1d', '10d', '4d'], 3],
    [['7d', 'expired'], Number.POSITIVE_INFINITY],
    [['expired'], Number.POSITIVE_INFINITY],
  ] as [Stage[], number][])('of %j is %d', (stages, gap) => {
    expect(smallestGapDays(stages)).toBe(gap)
  })
})
