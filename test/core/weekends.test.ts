import { describe, expect, it } from 'vitest'
import type { Campaign, SendingWindow } from '#core/campaign.ts'
import { decide } from '#core/decide.ts'
import { aCampaign, aPin, aRecipient, instant, officeHours } from './given.ts'
import { expectDue, timetable } from './timetable.ts'

const ada = aRecipient('ada')

describe('with mails from Monday to Friday, 9 to 17', () => {
  const table = `
  zone          | expires                    | stage   | comes due                  | why

  Europe/Berlin | Mon 2026-06-22 12:00+02:00 | 1d      | Fri 2026-06-19 09:00+02:00 | Sunday: on the Friday before
  Europe/Berlin | Mon 2026-06-22 00:00+02:00 | 1d      | Fri 2026-06-19 09:00+02:00 | from Monday's first minute …
  Europe/Berlin | Mon 2026-06-22 23:59+02:00 | 1d      | Fri 2026-06-19 09:00+02:00 | … to its last
  Europe/Berlin | Sun 2026-06-21 12:00+02:00 | 1d      | Fri 2026-06-19 09:00+02:00 | Saturday
  Europe/Berlin | Sat 2026-06-20 12:00+02:00 | 1d      | Fri 2026-06-19 09:00+02:00 | Friday itself
  Europe/Berlin | Tue 2026-06-23 12:00+02:00 | 1d      | Mon 2026-06-22 09:00+02:00 | Monday itself
  Europe/Berlin | Mon 2026-06-22 12:00+02:00 | 2d      | Fri 2026-06-19 09:00+02:00 | and with it whatever the weekend swallows
  Europe/Berlin | Mon 2026-06-22 12:00+02:00 | 3d      | Fri 2026-06-19 09:00+02:00 |
  Europe/Berlin | Mon 2026-06-22 12:00+02:00 | 4d      | Thu 2026-06-18 09:00+02:00 |
  Europe/Berlin | Sun 2026-06-21 12:00+02:00 | 7d      | Fri 2026-06-12 09:00+02:00 | nine days ahead, never six

  Europe/Berlin | Wed 2026-06-17 09:00+02:00 | expired | Wed 2026-06-17 09:00+02:00 | at the instant the window opens
  Europe/Berlin | Wed 2026-06-17 08:59+02:00 | expired | Wed 2026-06-17 09:00+02:00 | a minute before
  Europe/Berlin | Wed 2026-06-17 12:34+02:00 | expired | Wed 2026-06-17 12:34+02:00 | at the expiry, inside it
  Europe/Berlin | Wed 2026-06-17 16:59+02:00 | expired | Wed 2026-06-17 16:59+02:00 | in its last minute
  Europe/Berlin | Wed 2026-06-17 17:00+02:00 | expired | Thu 2026-06-18 09:00+02:00 | at the instant it closes
  Europe/Berlin | Fri 2026-06-19 17:00+02:00 | expired | Mon 2026-06-22 09:00+02:00 | after the weekend
  Europe/Berlin | Sat 2026-06-20 12:00+02:00 | expired | Mon 2026-06-22 09:00+02:00 |

  Asia/Kolkata  | Mon 2026-06-22 00:00+05:30 | 1d      | Fri 2026-06-19 09:00+05:30 | Monday there, though Sunday in UTC
  Pacific/Pago_Pago | Sun 2026-06-21 23:59-11:00 | 1d  | Fri 2026-06-19 09:00-11:00 | Sunday there, though Monday in UTC
  `
  it.each(timetable(table))('$zone, expires $expires: $stage on $due ($why)', (row) => {
    expectDue(row, { window: officeHours })
  })
})

describe('with mails on one day of the week', () => {
  const wednesdays: SendingWindow = { days: ['wed'], fromMinute: 0, toMinute: 1_440 }
  const table = `
  zone | expires                    | stage   | comes due                  | why

  UTC  | Thu 2026-06-18 12:00+00:00 | 1d      | Wed 2026-06-17 00:00+00:00 | on the day itself
  UTC  | Wed 2026-06-17 12:00+00:00 | 1d      | Wed 2026-06-10 00:00+00:00 | six days earlier
  UTC  | Wed 2026-06-17 23:59+00:00 | expired | Wed 2026-06-17 23:59+00:00 | it is open to the end of the day
  UTC  | Thu 2026-06-18 00:00+00:00 | expired | Wed 2026-06-24 00:00+00:00 | and closed from the next one on
  `
  it.each(timetable(table))('$zone, expires $expires: $stage on $due ($why)', (row) => {
    expectDue(row, { window: wednesdays })
  })
})

/*
 * The PIN expires on Monday, 22 June 2026, at noon. Its warnings 3, 2 and 1 days ahead all come due on Friday at 9:
 * one mail, the nearest. Times are UTC.
 */
describe('the weekend before an expiry', () => {
  const campaign = aCampaign({ stages: ['7d', '3d', '2d', '1d', 'expired'], graceDays: 1 })
  const pin = aPin({ expiresAt: instant('2026-06-22T12:00Z') })

  const rows: readonly [at: string, set: string | null, decided: Record<string, string>, why: string][] = [
    ['2026-06-15T08:59:59.999', null, {}, 'a millisecond before Monday, 9 o’clock'],
    ['2026-06-15T09:00', null, { '7d': 'open' }, 'the week before'],
    ['2026-06-19T08:59:59.999', null, { '7d': 'open' }, 'the next ones are not due yet'],
    ['2026-06-19T09:00', null, warned('open'), 'three warnings in one'],
    ['2026-06-20T12:00', null, warned('open'), 'on Saturday it is still right; its mail waits for the window'],
    ['2026-06-22T11:59:59.999', null, warned('open'), 'a missed Friday: still time to warn on Monday'],
    ['2026-06-22T12:00', null, { ...warned('superseded'), expired: 'open' }, 'expired in the window, at once'],
    ['2026-06-23T11:59:59.999', null, { ...warned('superseded'), expired: 'open' }, 'the grace’s last millisecond'],
    ['2026-06-23T12:00', null, { ...warned('superseded'), expired: 'too-late' }, 'the grace has ended'],
    [
      '2026-06-20T12:00',
      '2026-06-19T09:00',
      { '7d': na, '3d': na, '2d': na, '1d': na },
      'set at the instant to which 1d was moved: nobody is warned at creation, though 1d means Sunday',
    ],
    [
      '2026-06-20T12:00',
      '2026-06-19T08:59:59.999',
      { '7d': na, '3d': 'superseded', '2d': 'superseded', '1d': 'open' },
      'set a millisecond before',
    ],
    [
      '2026-06-22T12:00',
      '2026-06-21T10:00',
      { '7d': na, '3d': na, '2d': na, '1d': na, expired: 'open' },
      'set on Sunday',
    ],
  ]
  it.each(rows)('at %s, set %s: %j (%s)', (at, set, decided) => {
    const setAt = set === null ? null : instant(`${set}Z`)
    const decisions = decide({ ...pin, setAt }, campaign, ada, instant(`${at}Z`))
    expect(Object.fromEntries(decisions.map(({ stage, skip }) => [stage, skip ?? 'open']))).toEqual(decided)
  })

  it('is the grace’s as well: what waits for Monday longer than it lasts is too late', () => {
    const onFriday = aPin({ expiresAt: instant('2026-06-19T17:00Z') })
    const standing = (graceDays: number) =>
      decide(onFriday, { ...campaign, graceDays }, ada, instant('2026-06-22T09:00Z')).at(-1)
    expect(standing(2)).toMatchObject({ stage: 'expired', skip: 'too-late' })
    expect(standing(3)).toMatchObject({ stage: 'expired', skip: null })
  })
})

describe('a spread', () => {
  const spread: Partial<Campaign> = { stages: ['7d', '1d', 'expired'], spreadDays: 3 }
  /** Somebody whose warnings all come this many days earlier. */
  const holders = ['ada', 'person-1', 'person-2', 'person-3', 'person-4', 'person-5', 'person-6', 'person-7']

  it('moves warnings first, and over a weekend then; the expiry stays', () => {
    const pin = aPin({ expiresAt: instant('2026-06-24T12:00Z') })
    const dues = holders.map((key) => {
      const decisions = decide(pin, aCampaign(spread), aRecipient(key), instant('2026-06-24T12:00Z'))
      return decisions.map(({ dueAt }) => new Date(dueAt).toISOString().slice(5, 13)).join(' ')
    })
    // 7d: Wednesday the 17th and back; 1d: Tuesday the 23rd, Monday, and from Sunday on the Friday before.
    expect(new Set(dues)).toEqual(
      new Set([
        '06-17T09 06-23T09 06-24T12',
        '06-16T09 06-22T09 06-24T12',
        '06-15T09 06-19T09 06-24T12',
        '06-12T09 06-19T09 06-24T12',
      ]),
    )
  })
})

const na = 'not-applicable'

/** The warnings of the week before and of the weekend, and where the nearest one stands. */
function warned(nearest: string): Record<string, string> {
  return { '7d': 'superseded', '3d': 'superseded', '2d': 'superseded', '1d': nearest }
}
