import { expect } from 'vitest'
import type { Campaign, Stage } from '#core/campaign.ts'
import { decide } from '#core/decide.ts'
import type { Instant } from '#core/instant.ts'
import { aCampaign, aPin, aRecipient, instant } from './given.ts'

/** A line of a table: somebody's zone, when their PIN expires, and when a stage of it comes due, as their clocks show it. */
export interface TimetableRow {
  readonly zone: string
  readonly expires: string
  readonly stage: Stage
  readonly due: string
  readonly why: string
}

/**
 * Reads a table with the columns zone, expires, stage, comes due, why; the first line names them. Times are written as the
 * zone's clocks and calendar show them, with the weekday and the distance from UTC: `Mon 2026-03-30 09:00+02:00`.
 */
export function timetable(text: string): TimetableRow[] {
  const [, ...lines] = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) => {
    const [zone = '', expires = '', stage = '', due = '', why = ''] = line.split('|').map((cell) => cell.trim())
    return { zone, expires, stage: stage as Stage, due, why }
  })
}

/** The stage comes due at that instant: a millisecond before it is not, at the instant itself and after it is. */
export function expectDue({ zone, expires, stage, due }: TimetableRow, differs: Partial<Campaign>): void {
  const expiresAt = shownAt(expires, zone)
  const dueAt = shownAt(due, zone)
  const pin = aPin({ timeZone: zone, expiresAt })
  const campaign = aCampaign({ ...differs, stages: stage === 'expired' ? [stage] : [stage, 'expired'] })
  const openAt = (at: Instant) =>
    decide(pin, campaign, aRecipient('ada'), at).flatMap((one) => (one.skip === null ? [one] : []))

  expect(openAt(dueAt - 1)).toEqual([])
  expect(openAt(dueAt)).toMatchObject([{ stage, dueAt }])
  expect(openAt(dueAt + 1)).toMatchObject([{ stage, dueAt }])
}

/** The instant; fails when the zone's clocks and calendar show another time or weekday then. */
function shownAt(text: string, timeZone: string): Instant {
  const at = instant(text.slice(4).replace(' ', 'T'))
  const weekday = new Intl.DateTimeFormat('en', { timeZone, weekday: 'short' }).format(at)
  const time = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(at)
  expect(text.slice(0, 20)).toBe(`${weekday} ${time}`)
  return at
}
