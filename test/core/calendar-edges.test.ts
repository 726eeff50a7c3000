import { describe, expect, it } from 'vitest'
import { daysLeft } from '#core/calendar.ts'
import { instant, officeHours } from './given.ts'
import { expectDue, timetable } from './timetable.ts'

describe('days are those of the zone, however far it is from UTC', () => {
  const table = `
  zone               | expires                    | stage | comes due                  | why

  Asia/Kolkata       | Sat 2026-06-20 00:00+05:30 | 1d    | Fri 2026-06-19 00:00+05:30 | Saturday there, Friday in UTC
  Asia/Kolkata       | Fri 2026-06-19 23:59+05:30 | 1d    | Thu 2026-06-18 00:00+05:30 | a minute earlier
  Asia/Kolkata       | Sat 2026-06-20 05:29+05:30 | 1d    | Fri 2026-06-19 00:00+05:30 | a minute before UTC's midnight
  Asia/Kathmandu     | Sat 2026-06-20 00:00+05:45 | 1d    | Fri 2026-06-19 00:00+05:45 | three quarters
  Australia/Adelaide | Sat 2026-06-20 00:00+09:30 | 1d    | Fri 2026-06-19 00:00+09:30 |
  Australia/Adelaide | Mon 2026-10-05 12:00+10:30 | 1d    | Sun 2026-10-04 00:00+09:30 | and clocks changed
  Pacific/Chatham    | Sat 2026-06-20 00:00+12:45 | 1d    | Fri 2026-06-19 00:00+12:45 |
  Pacific/Tongatapu  | Sat 2026-06-20 00:30+13:00 | 1d    | Fri 2026-06-19 00:00+13:00 | one and the same expiry …
  UTC                | Fri 2026-06-19 11:30+00:00 | 1d    | Thu 2026-06-18 00:00+00:00 | … is on another day here
  Pacific/Kiritimati | Sat 2026-06-20 01:30+14:00 | 1d    | Fri 2026-06-19 00:00+14:00 | and the day before comes due …
  Pacific/Pago_Pago  | Fri 2026-06-19 00:30-11:00 | 1d    | Thu 2026-06-18 00:00-11:00 | … a whole day later there
  `
  it.each(timetable(table))('$zone, expires $expires: $stage on $due ($why)', (row) => {
    expectDue(row, { window: null })
  })
})

describe('leap days and ends of years are days like others', () => {
  const table = `
  zone              | expires                    | stage | comes due                  | why

  UTC               | Tue 2028-02-29 12:00+00:00 | 1d    | Mon 2028-02-28 00:00+00:00 | expires on the leap day
  UTC               | Tue 2028-02-29 12:00+00:00 | 30d   | Sun 2028-01-30 00:00+00:00 |
  UTC               | Tue 2028-02-29 12:00+00:00 | expired | Tue 2028-02-29 12:00+00:00 |
  UTC               | Wed 2028-03-01 12:00+00:00 | 1d    | Tue 2028-02-29 00:00+00:00 | comes due on the leap day
  UTC               | Thu 2028-03-30 12:00+00:00 | 30d   | Tue 2028-02-29 00:00+00:00 |
  UTC               | Wed 2028-03-01 12:00+00:00 | 365d  | Tue 2027-03-02 00:00+00:00 | counts days, not years
  UTC               | Mon 2027-03-01 12:00+00:00 | 1d    | Sun 2027-02-28 00:00+00:00 | no leap year
  UTC               | Mon 2100-03-01 12:00+00:00 | 1d    | Sun 2100-02-28 00:00+00:00 | neither is 2100
  Asia/Kolkata      | Wed 2028-03-01 00:00+05:30 | 1d    | Tue 2028-02-29 00:00+05:30 | still the leap day in UTC
  America/New_York  | Tue 2028-02-29 23:59-05:00 | 1d    | Mon 2028-02-28 00:00-05:00 | March in UTC

  UTC               | Fri 2027-01-01 00:00+00:00 | 1d    | Thu 2026-12-31 00:00+00:00 | the year's first instant
  UTC               | Thu 2026-12-31 23:59+00:00 | 1d    | Wed 2026-12-30 00:00+00:00 | its last minute
  UTC               | Sun 2027-01-10 12:00+00:00 | 14d   | Sun 2026-12-27 00:00+00:00 |
  Pacific/Tongatapu | Fri 2027-01-01 00:00+13:00 | 1d    | Thu 2026-12-31 00:00+13:00 | among the first to have it
  Pacific/Pago_Pago | Thu 2026-12-31 23:59-11:00 | 7d    | Thu 2026-12-24 00:00-11:00 | and the last
  `
  it.each(timetable(table))('$zone, expires $expires: $stage on $due ($why)', (row) => {
    expectDue(row, { window: null })
  })
})

/* Samoa went over the date line: Thursday, 29 December 2011, was followed by Saturday. */
describe('a day that a zone leaves out', () => {
  const anyTime = `
  zone         | expires                    | stage | comes due                  | why

  Pacific/Apia | Sat 2011-12-31 12:00+14:00 | 1d    | Sat 2011-12-31 00:00+14:00 | the day that was not: when it would have begun
  Pacific/Apia | Sun 2012-01-01 12:00+14:00 | 2d    | Sat 2011-12-31 00:00+14:00 |
  Pacific/Apia | Sun 2012-01-01 12:00+14:00 | 1d    | Sat 2011-12-31 00:00+14:00 |
  Pacific/Apia | Sat 2011-12-31 12:00+14:00 | 2d    | Thu 2011-12-29 00:00-10:00 | the dates count, not the hours
  `
  it.each(timetable(anyTime))('$zone, expires $expires, any time: $stage on $due ($why)', (row) => {
    expectDue(row, { window: null })
  })

  const inOfficeHours = `
  zone         | expires                    | stage   | comes due                  | why

  Pacific/Apia | Mon 2012-01-02 12:00+14:00 | 3d      | Thu 2011-12-29 09:00-10:00 | no mail can go on that Friday
  Pacific/Apia | Mon 2012-01-02 12:00+14:00 | 1d      | Thu 2011-12-29 09:00-10:00 | nor on the weekend
  Pacific/Apia | Thu 2011-12-29 18:00-10:00 | expired | Mon 2012-01-02 09:00+14:00 | the next that opens
  `
  it.each(timetable(inOfficeHours))('$zone, expires $expires, office hours: $stage on $due ($why)', (row) => {
    expectDue(row, { window: officeHours })
  })

  it('counts in the text as on the calendar', () => {
    const thursday = instant('2011-12-29T12:00-10:00')
    expect(daysLeft(instant('2011-12-31T12:00+14:00'), thursday, 'Pacific/Apia')).toBe(2)
  })
})
