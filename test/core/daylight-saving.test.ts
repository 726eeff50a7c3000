import { describe, expect, it } from 'vitest'
import { daysLeft } from '#core/calendar.ts'
import type { SendingWindow } from '#core/campaign.ts'
import { graceEndsAt } from '#core/stages.ts'
import { aCampaign, aPin, instant, officeHours } from './given.ts'
import { expectDue, timetable } from './timetable.ts'

const everyDay = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** Every day, 02:30 to 06:00: it begins in the hour that clocks in Berlin skip, or show twice. */
const atNight: SendingWindow = { days: everyDay, fromMinute: 150, toMinute: 360 }

/** Every day, 02:00 to 03:00: just the hour that clocks in Berlin skip, or show twice. */
const oneHour: SendingWindow = { days: everyDay, fromMinute: 120, toMinute: 180 }

describe('when clocks are changed, a stage still comes due on its day: without a window when the day begins', () => {
  const table = `
  zone                | expires                    | stage | comes due                  | why

  Europe/Berlin       | Mon 2026-03-30 12:00+02:00 | 1d    | Sun 2026-03-29 00:00+01:00 | the day has 23 hours
  Europe/Berlin       | Mon 2026-03-30 00:00+02:00 | 1d    | Sun 2026-03-29 00:00+01:00 | 23 hours before
  Europe/Berlin       | Sun 2026-03-29 03:00+02:00 | 1d    | Sat 2026-03-28 00:00+01:00 | the first minute after the gap
  Europe/Berlin       | Mon 2026-03-30 12:00+02:00 | 7d    | Mon 2026-03-23 00:00+01:00 | a week of 167 hours
  Europe/Berlin       | Mon 2026-10-26 12:00+01:00 | 1d    | Sun 2026-10-25 00:00+02:00 | the day has 25 hours
  Europe/Berlin       | Sun 2026-10-25 02:30+02:00 | 1d    | Sat 2026-10-24 00:00+02:00 | the first 02:30
  Europe/Berlin       | Sun 2026-10-25 02:30+01:00 | 1d    | Sat 2026-10-24 00:00+02:00 | the second 02:30
  Europe/Berlin       | Sun 2026-10-25 02:30+01:00 | expired | Sun 2026-10-25 02:30+01:00 | at the second 02:30, no earlier

  America/New_York    | Mon 2026-03-09 12:00-04:00 | 1d    | Sun 2026-03-08 00:00-05:00 | the day has 23 hours
  America/New_York    | Sun 2026-03-08 23:59-04:00 | 7d    | Sun 2026-03-01 00:00-05:00 | a week of 167 hours
  America/New_York    | Mon 2026-11-02 12:00-05:00 | 1d    | Sun 2026-11-01 00:00-04:00 | the day has 25 hours
  America/New_York    | Sun 2026-11-01 01:30-05:00 | 1d    | Sat 2026-10-31 00:00-04:00 | the second 01:30

  Australia/Lord_Howe | Mon 2026-10-05 12:00+11:00 | 1d    | Sun 2026-10-04 00:00+10:30 | forward by half an hour
  Australia/Lord_Howe | Mon 2026-04-06 12:00+10:30 | 1d    | Sun 2026-04-05 00:00+11:00 | back by half an hour
  Australia/Lord_Howe | Sun 2026-04-05 01:45+10:30 | 1d    | Sat 2026-04-04 00:00+11:00 | the second 01:45

  Pacific/Auckland    | Mon 2026-09-28 12:00+13:00 | 1d    | Sun 2026-09-27 00:00+12:00 | the south is the other way round
  Pacific/Auckland    | Mon 2026-04-06 12:00+12:00 | 1d    | Sun 2026-04-05 00:00+13:00 |

  Africa/Cairo        | Sat 2026-04-25 12:00+03:00 | 1d    | Fri 2026-04-24 01:00+03:00 | midnight is skipped: when the day begins
  Africa/Cairo        | Fri 2026-04-24 01:00+03:00 | 1d    | Thu 2026-04-23 00:00+02:00 | at the first instant of such a day
  Africa/Cairo        | Thu 2026-10-29 23:30+02:00 | 1d    | Wed 2026-10-28 00:00+03:00 | the last hour of Thursday comes twice
  Africa/Cairo        | Fri 2026-10-30 12:00+02:00 | 1d    | Thu 2026-10-29 00:00+03:00 | a day of 25 hours
  Africa/Cairo        | Sat 2026-10-31 12:00+02:00 | 1d    | Fri 2026-10-30 00:00+02:00 |

  America/Santiago    | Mon 2026-09-07 12:00-03:00 | 1d    | Sun 2026-09-06 01:00-03:00 | midnight is skipped
  America/Santiago    | Mon 2026-04-06 12:00-04:00 | 1d    | Sun 2026-04-05 00:00-04:00 | the last hour of Saturday comes twice
  America/Santiago    | Sat 2026-04-04 23:30-04:00 | 1d    | Fri 2026-04-03 00:00-03:00 | its second 23:30

  America/Havana      | Mon 2026-11-02 12:00-05:00 | 1d    | Sun 2026-11-01 00:00-04:00 | two midnights: the first
  America/Havana      | Mon 2026-03-09 12:00-04:00 | 1d    | Sun 2026-03-08 01:00-04:00 | midnight is skipped

  Pacific/Tongatapu   | Mon 2026-03-30 12:00+13:00 | 1d    | Sun 2026-03-29 00:00+13:00 | no change there at all
  America/St_Johns    | Mon 2010-11-08 12:00-03:30 | 1d    | Sun 2010-11-07 00:00-02:30 | until 2011 back at 00:01: a day begins once
  America/St_Johns    | Sat 2010-11-06 23:30-03:30 | 1d    | Sat 2010-11-06 00:00-02:30 | Sunday had begun, and goes on
  `
  it.each(timetable(table))('$zone, expires $expires: $stage on $due ($why)', (row) => {
    expectDue(row, { window: null })
  })
})

describe('when clocks are changed, a stage comes due at the hour that the window opens by the new time', () => {
  const table = `
  zone                | expires                    | stage | comes due                  | why

  Europe/Berlin       | Thu 2026-04-02 12:00+02:00 | 7d    | Thu 2026-03-26 09:00+01:00 | before the change
  Europe/Berlin       | Tue 2026-03-31 12:00+02:00 | 1d    | Mon 2026-03-30 09:00+02:00 | after it
  Europe/Berlin       | Mon 2026-03-30 12:00+02:00 | 1d    | Fri 2026-03-27 09:00+01:00 | a weekend and a change
  Europe/Berlin       | Sun 2026-03-29 12:00+02:00 | expired | Mon 2026-03-30 09:00+02:00 | opens by the new time
  Europe/Berlin       | Sat 2026-10-24 12:00+02:00 | expired | Mon 2026-10-26 09:00+01:00 |
  America/New_York    | Thu 2026-03-12 12:00-04:00 | 7d    | Thu 2026-03-05 09:00-05:00 |
  America/New_York    | Thu 2026-11-05 12:00-05:00 | 7d    | Thu 2026-10-29 09:00-04:00 |
  Australia/Lord_Howe | Thu 2026-10-08 12:00+11:00 | 7d    | Thu 2026-10-01 09:00+10:30 |
  Australia/Lord_Howe | Mon 2026-04-06 12:00+10:30 | 1d    | Fri 2026-04-03 09:00+11:00 |
  Africa/Cairo        | Mon 2026-04-27 12:00+03:00 | 3d    | Fri 2026-04-24 09:00+03:00 | the day without a midnight
  America/Santiago    | Thu 2026-09-10 12:00-03:00 | 7d    | Thu 2026-09-03 09:00-04:00 |
  `
  it.each(timetable(table))('$zone, expires $expires: $stage on $due ($why)', (row) => {
    expectDue(row, { window: officeHours })
  })
})

describe('a window that begins in the hour that is changed opens', () => {
  const table = `
  zone          | expires                    | stage   | comes due                  | why

  Europe/Berlin | Mon 2026-03-30 12:00+02:00 | 1d      | Sun 2026-03-29 03:00+02:00 | as soon as clocks have leapt over its begin
  Europe/Berlin | Sun 2026-03-29 01:00+01:00 | expired | Sun 2026-03-29 03:00+02:00 |
  Europe/Berlin | Mon 2026-10-26 12:00+01:00 | 1d      | Sun 2026-10-25 02:30+02:00 | at the first of the two
  Europe/Berlin | Sun 2026-10-25 02:10+01:00 | expired | Sun 2026-10-25 02:10+01:00 | and once: it is still open when clocks go back
  `
  it.each(timetable(table))('$zone, expires $expires: $stage on $due ($why)', (row) => {
    expectDue(row, { window: atNight })
  })
})

describe('a window that is skipped as a whole', () => {
  const table = `
  zone          | expires                    | stage   | comes due                  | why

  Europe/Berlin | Mon 2026-03-30 12:00+02:00 | 1d      | Sat 2026-03-28 02:00+01:00 | does not open that day: on the nearest earlier one
  Europe/Berlin | Mon 2026-03-30 12:00+02:00 | 2d      | Sat 2026-03-28 02:00+01:00 |
  Europe/Berlin | Sat 2026-03-28 12:00+01:00 | expired | Mon 2026-03-30 02:00+02:00 | or, once it has expired, on the next
  `
  it.each(timetable(table))('$zone, expires $expires: $stage on $due ($why)', (row) => {
    expectDue(row, { window: oneHour })
  })
})

describe('the grace ends at the same time of day', () => {
  it.each([
    ['Europe/Berlin', '2026-03-26T10:15+01:00', '2026-04-02T10:15+02:00', 'an hour less'],
    ['Europe/Berlin', '2026-10-22T10:15+02:00', '2026-10-29T10:15+01:00', 'an hour more'],
    ['Europe/Berlin', '2026-03-22T02:30+01:00', '2026-03-29T03:00+02:00', 'at a time that is skipped: after the gap'],
    ['Europe/Berlin', '2026-10-18T02:30+02:00', '2026-10-25T02:30+02:00', 'at a time that comes twice: the first'],
    ['America/New_York', '2026-10-28T08:00-04:00', '2026-11-04T08:00-05:00', ''],
    ['Australia/Lord_Howe', '2026-10-01T08:00+10:30', '2026-10-08T08:00+11:00', 'half an hour less'],
    ['Africa/Cairo', '2026-04-17T00:00+02:00', '2026-04-24T01:00+03:00', 'midnight is skipped'],
  ])('%s, expires %s: %s (%s)', (timeZone, expires, ends) => {
    const pin = aPin({ timeZone, expiresAt: instant(expires) })
    expect(graceEndsAt(pin, aCampaign({ graceDays: 7 }))).toBe(instant(ends))
  })
})

describe('the days in the text are counted on the calendar', () => {
  it.each([
    ['Europe/Berlin', '2026-03-29T00:00+01:00', '2026-03-30T00:00+02:00', 1, '23 hours'],
    ['Europe/Berlin', '2026-10-25T00:00+02:00', '2026-10-26T00:00+01:00', 1, '25 hours'],
    ['Europe/Berlin', '2026-10-25T00:30+02:00', '2026-10-25T23:30+01:00', 0, '24 hours, and still the same day'],
    ['Africa/Cairo', '2026-10-29T23:59+03:00', '2026-10-29T23:01+02:00', 0, 'the last hour twice'],
    ['Africa/Cairo', '2026-10-29T23:59+02:00', '2026-10-30T00:00+02:00', 1, 'a minute'],
    ['America/Santiago', '2026-09-05T23:59-04:00', '2026-09-06T01:00-03:00', 1, 'a minute'],
  ])('%s, from %s to %s: %i (%s)', (timeZone, from, to, days) => {
    expect(daysLeft(instant(to), instant(from), timeZone)).toBe(days)
  })
})
