import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addDays,
  addLocalDays,
  daysLeft,
  localDate,
  localDay,
  nextDayOpening,
  openingAt,
  startOfDay,
  timeOfDay,
  zoneOf,
} from '#core/calendar.ts'
import type { SendingWindow } from '#core/campaign.ts'
import { anyInstant, anyOpenWindow, anyWindow, anyZone, instant, officeHours } from './given.ts'

function opening(from: string, to: string): { opensAt: number; closesAt: number } {
  return { opensAt: instant(from), closesAt: instant(to) }
}

describe('zoneOf', () => {
  it("is the PIN's own zone, else the campaign's", () => {
    expect(zoneOf({ timeZone: 'Asia/Kolkata' }, { timeZone: 'UTC' })).toBe('Asia/Kolkata')
    expect(zoneOf({ timeZone: null }, { timeZone: 'Europe/Berlin' })).toBe('Europe/Berlin')
  })
})

describe('localDate', () => {
  it.each([
    ['2026-06-20T22:00:00Z', 'Europe/Berlin', '2026-06-21'],
    ['2026-06-20T21:59:59.999Z', 'Europe/Berlin', '2026-06-20'],
    ['2026-06-20T18:30:00Z', 'Asia/Kolkata', '2026-06-21'],
    ['2026-06-20T18:29:59.999Z', 'Asia/Kolkata', '2026-06-20'],
    ['2026-06-20T11:00:00Z', 'Pacific/Tongatapu', '2026-06-21'],
    ['2026-06-20T10:59:59.999Z', 'Pacific/Pago_Pago', '2026-06-19'],
    ['2027-12-31T23:59:59.999Z', 'UTC', '2027-12-31'],
    ['2028-01-01T00:00:00Z', 'UTC', '2028-01-01'],
    ['2028-02-29T12:00:00Z', 'UTC', '2028-02-29'],
    ['1969-12-31T23:59:59.999Z', 'UTC', '1969-12-31'],
  ])('of %s in %s is %s', (at, zone, date) => {
    expect(localDate(instant(at), zone)).toBe(date)
  })

  it('is the date that the zone’s clocks show', () => {
    const shown = (at: number, timeZone: string) => new Intl.DateTimeFormat('en-CA', { timeZone }).format(at)
    fc.assert(fc.property(anyInstant, anyZone, (at, zone) => localDate(at, zone) === shown(at, zone)))
  })

  it('does not go back to a day that has ended where clocks are set back over midnight', () => {
    // St. John's, until 2011: at 00:01 back to 23:01.
    const midnight = startOfDay('2010-11-07', 'America/St_Johns')
    expect(midnight).toBe(instant('2010-11-07T00:00-02:30'))
    expect(localDate(midnight + 30 * 60_000, 'America/St_Johns')).toBe('2010-11-07')
  })
})

describe('startOfDay', () => {
  it.each([
    ['2026-03-29', 'Europe/Berlin', '2026-03-29T00:00+01:00'],
    ['2026-03-30', 'Europe/Berlin', '2026-03-30T00:00+02:00'],
    ['2026-11-01', 'America/New_York', '2026-11-01T00:00-04:00'],
    ['2026-11-02', 'America/New_York', '2026-11-02T00:00-05:00'],
    ['2026-04-06', 'Australia/Lord_Howe', '2026-04-06T00:00+10:30'],
    ['2026-10-05', 'Australia/Lord_Howe', '2026-10-05T00:00+11:00'],
    ['2026-09-28', 'Pacific/Auckland', '2026-09-28T00:00+13:00'],
    ['2026-01-01', 'Pacific/Tongatapu', '2026-01-01T00:00+13:00'],
  ])('of %s in %s is %s', (date, zone, at) => {
    expect(startOfDay(date, zone)).toBe(instant(at))
  })

  it('is the first instant of the day where clocks skip midnight', () => {
    expect(startOfDay('2018-11-04', 'America/Sao_Paulo')).toBe(instant('2018-11-04T01:00-02:00'))
    expect(startOfDay('2026-03-29', 'Asia/Beirut')).toBe(instant('2026-03-29T01:00+03:00'))
  })

  it('is the first of two midnights', () => {
    expect(startOfDay('2026-11-01', 'America/Havana')).toBe(instant('2026-11-01T00:00-04:00'))
  })

  it('is that of the next day for a day that a zone left out', () => {
    expect(startOfDay('2011-12-30', 'Pacific/Apia')).toBe(startOfDay('2011-12-31', 'Pacific/Apia'))
  })

  it('begins the day of every instant, and the one before it still belongs to the day before', () => {
    fc.assert(
      fc.property(anyInstant, anyZone, (at, zone) => {
        const date = localDate(at, zone)
        const start = startOfDay(date, zone)
        expect(start).toBeLessThanOrEqual(at)
        expect(startOfDay(addDays(date, 1), zone)).toBeGreaterThan(at)
        expect(localDate(start, zone)).toBe(date)
        expect(localDate(start - 1, zone)).toBe(addDays(date, -1))
      }),
    )
  })
})

describe('addDays', () => {
  it.each([
    ['2028-02-28', 1, '2028-02-29'],
    ['2027-02-28', 1, '2027-03-01'],
    ['2028-03-01', -1, '2028-02-29'],
    ['2026-12-31', 1, '2027-01-01'],
    ['2027-01-01', -1, '2026-12-31'],
    ['2026-06-20', 0, '2026-06-20'],
  ])('%s and %i days is %s', (date, days, sum) => {
    expect(addDays(date, days)).toBe(sum)
  })
})

describe('addLocalDays', () => {
  it('keeps the time of day when clocks change in between', () => {
    const before = instant('2026-03-26T10:15:30.5+01:00')
    expect(addLocalDays(before, 7, 'Europe/Berlin')).toBe(instant('2026-04-02T10:15:30.5+02:00'))
    expect(addLocalDays(instant('2026-10-30T08:00-04:00'), 3, 'America/New_York')).toBe(
      instant('2026-11-02T08:00-05:00'),
    )
  })
})

describe('timeOfDay', () => {
  const march29 = localDay(instant('2026-03-29T12:00+02:00'), 'Europe/Berlin')
  const october25 = localDay(instant('2026-10-25T12:00+01:00'), 'Europe/Berlin')

  it('is the end of the gap for a time that clocks skip', () => {
    expect(timeOfDay(march29, 2 * 60 + 30, 'Europe/Berlin')).toBe(instant('2026-03-29T03:00+02:00'))
    expect(timeOfDay(march29, 2 * 60, 'Europe/Berlin')).toBe(instant('2026-03-29T03:00+02:00'))
  })

  it('is the first of two for a time that clocks show twice', () => {
    expect(timeOfDay(october25, 2 * 60 + 30, 'Europe/Berlin')).toBe(instant('2026-10-25T02:30+02:00'))
    const april5 = localDay(instant('2026-04-05T12:00+12:00'), 'Pacific/Auckland')
    expect(timeOfDay(april5, 2 * 60 + 30, 'Pacific/Auckland')).toBe(instant('2026-04-05T02:30+13:00'))
  })

  it('is the next day’s start for the last minute of all', () => {
    expect(timeOfDay(october25, 1_440, 'Europe/Berlin')).toBe(instant('2026-10-26T00:00+01:00'))
  })
})

describe('openingAt', () => {
  const berlin = (at: string) => openingAt(officeHours, 'Europe/Berlin', instant(at))
  const monday = opening('2026-06-15T09:00+02:00', '2026-06-15T17:00+02:00')
  const tuesday = opening('2026-06-16T09:00+02:00', '2026-06-16T17:00+02:00')

  it.each([
    ['a millisecond before it opens', '2026-06-15T08:59:59.999+02:00', monday],
    ['at the instant it opens', '2026-06-15T09:00+02:00', monday],
    ['in the middle', '2026-06-15T12:00+02:00', monday],
    ['a millisecond before it closes', '2026-06-15T16:59:59.999+02:00', monday],
    ['at the instant it closes', '2026-06-15T17:00+02:00', tuesday],
    ['after Friday has closed', '2026-06-12T17:00+02:00', monday],
    ['on a Sunday', '2026-06-14T12:00+02:00', monday],
  ])('%s', (_, at, expected) => {
    expect(berlin(at)).toEqual(expected)
  })

  it.each([
    ['Europe/Berlin', '2026-03-29T12:00Z', '2026-03-30T09:00+02:00'],
    ['America/New_York', '2026-11-01T12:00Z', '2026-11-02T09:00-05:00'],
    ['Australia/Lord_Howe', '2026-10-03T22:00Z', '2026-10-05T09:00+11:00'],
    ['Asia/Kolkata', '2026-06-14T12:00Z', '2026-06-15T09:00+05:30'],
    ['Pacific/Tongatapu', '2026-06-12T10:00Z', '2026-06-15T09:00+13:00'],
    ['Pacific/Auckland', '2026-04-04T20:00Z', '2026-04-06T09:00+12:00'],
  ])("is in %s's own hours across a change of clocks", (zone, at, opensAt) => {
    expect(openingAt(officeHours, zone, instant(at)).opensAt).toBe(instant(opensAt))
  })

  it('has no end and begins at once without a window', () => {
    expect(openingAt(null, 'Europe/Berlin', 42)).toEqual({ opensAt: 42, closesAt: null })
  })

  it('passes over a day on which clocks skip the whole window', () => {
    const sundays: SendingWindow = { days: ['sun'], fromMinute: 2 * 60 + 10, toMinute: 2 * 60 + 50 }
    expect(openingAt(sundays, 'Europe/Berlin', instant('2026-03-28T12:00Z'))).toEqual(
      opening('2026-04-05T02:10+02:00', '2026-04-05T02:50+02:00'),
    )
  })

  it('follows a window that lasts all day through every midnight', () => {
    const always: SendingWindow = { days: ['sat', 'sun'], fromMinute: 0, toMinute: 1_440 }
    expect(openingAt(always, 'UTC', instant('2026-06-14T00:00Z'))).toEqual(
      opening('2026-06-14T00:00Z', '2026-06-15T00:00Z'),
    )
  })

  it('has not ended, lies on a sending day, and shows the window on the zone’s clocks', () => {
    const clock = (at: number, timeZone: string) =>
      new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit' }).format(at)
    fc.assert(
      fc.property(anyOpenWindow, anyZone, anyInstant, (window, zone, at) => {
        const { opensAt, closesAt } = openingAt(window, zone, at)
        expect(closesAt).toBeGreaterThan(at)
        expect(closesAt).toBeGreaterThan(opensAt)
        const [weekday = '', time = ''] = clock(opensAt, zone).split(' ')
        expect(window.days).toContain(weekday.toLowerCase())
        const minute = Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
        expect(minute).toBeGreaterThanOrEqual(window.fromMinute)
        expect(minute).toBeLessThan(window.toMinute)
      }),
    )
  })

  it('stays the same until it closes, and the next one opens no earlier', () => {
    fc.assert(
      fc.property(anyOpenWindow, anyZone, anyInstant, fc.nat(), (window, zone, at, any) => {
        const first = openingAt(window, zone, at)
        const closesAt = first.closesAt ?? Number.NaN
        const within = first.opensAt + (any % (closesAt - first.opensAt))
        expect(openingAt(window, zone, within)).toEqual(first)
        expect(openingAt(window, zone, closesAt).opensAt).toBeGreaterThanOrEqual(closesAt)
      }),
    )
  })
})

describe('nextDayOpening', () => {
  it('is tomorrow, also when today is still open or has not opened yet', () => {
    const tuesday = opening('2026-06-16T09:00+02:00', '2026-06-16T17:00+02:00')
    expect(nextDayOpening(officeHours, 'Europe/Berlin', instant('2026-06-15T10:00+02:00'))).toEqual(tuesday)
    expect(nextDayOpening(officeHours, 'Europe/Berlin', instant('2026-06-15T00:00+02:00'))).toEqual(tuesday)
  })

  it('is the next sending day after a Friday', () => {
    const { opensAt } = nextDayOpening(officeHours, 'Europe/Berlin', instant('2026-06-12T10:00+02:00'))
    expect(opensAt).toBe(instant('2026-06-15T09:00+02:00'))
  })

  it('is the next local midnight without a window', () => {
    expect(nextDayOpening(null, 'Asia/Kolkata', instant('2026-06-15T12:00Z'))).toEqual({
      opensAt: instant('2026-06-16T00:00+05:30'),
      closesAt: null,
    })
  })

  it('always begins on a later local day', () => {
    fc.assert(
      fc.property(anyWindow, anyZone, anyInstant, (window, zone, at) => {
        expect(localDay(nextDayOpening(window, zone, at).opensAt, zone)).toBeGreaterThan(localDay(at, zone))
      }),
    )
  })
})

describe('daysLeft', () => {
  const expiresAt = instant('2026-06-20T01:00+02:00')

  it.each([
    ['2026-06-13T00:00+02:00', 7],
    ['2026-06-12T23:59:59.999+02:00', 8],
    ['2026-06-19T23:59:59.999+02:00', 1],
    ['2026-06-20T00:00+02:00', 0],
    ['2026-06-20T01:00+02:00', 0],
    ['2026-06-25T01:00+02:00', 0],
  ])('counts calendar days of the zone: at %s there are %i', (at, days) => {
    expect(daysLeft(expiresAt, instant(at), 'Europe/Berlin')).toBe(days)
  })

  it('counts 7 over a week of 167 hours', () => {
    expect(daysLeft(instant('2026-03-31T09:00+02:00'), instant('2026-03-24T09:00+01:00'), 'Europe/Berlin')).toBe(7)
  })
})
