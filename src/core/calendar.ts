import { type Campaign, type SendingWindow, type Weekday, weekdays } from './campaign.ts'
import type { Instant } from './instant.ts'
import type { Pin } from './pin.ts'
import { offsetSpanAt } from './zone-offset.ts'

export const dayMs = 86_400_000
const minuteMs = 60_000

/** A day of the calendar, as the number of days since 1970-01-01. */
export type DayNumber = number

/** A time during which mails may go out, `[opensAt, closesAt)`; null: it never closes. */
export interface Opening {
  readonly opensAt: Instant
  readonly closesAt: Instant | null
}

/** The zone in which a PIN's days are counted: its own, else the campaign's. */
export function zoneOf(pin: Pick<Pin, 'timeZone'>, campaign: Pick<Campaign, 'timeZone'>): string {
  return pin.timeZone ?? campaign.timeZone
}

/** The opening that contains `at`, else the next one. Without a window everything from `at` on is open. */
export function openingAt(window: SendingWindow | null, timeZone: string, at: Instant): Opening {
  if (window === null) return { opensAt: at, closesAt: null }

  const today = localDay(at, timeZone)
  for (let day = today; day <= today + longestWaitDays; day++) {
    const opening = openingOn(window, timeZone, day)
    if (opening !== null && at < opening.closesAt) return opening
  }
  throw new RangeError(neverOpens)
}

/** When the window opens on this day or, where it does not, on the last day before on which it does. */
export function opensOnOrBefore(window: SendingWindow, timeZone: string, last: DayNumber): Instant {
  for (let day = last; day >= last - longestWaitDays; day--) {
    const opening = openingOn(window, timeZone, day)
    if (opening !== null) return opening.opensAt
  }
  throw new RangeError(neverOpens)
}

/** The first opening on a local day after that of `at`, for messages that wait for tomorrow. */
export function nextDayOpening(window: SendingWindow | null, timeZone: string, at: Instant): Opening {
  return openingAt(window, timeZone, timeOfDay(localDay(at, timeZone) + 1, 0, timeZone))
}

/** Calendar days from the local day of `at` to that of the expiry; never negative. */
export function daysLeft(expiresAt: Instant, at: Instant, timeZone: string): number {
  return Math.max(0, localDay(expiresAt, timeZone) - localDay(at, timeZone))
}

/** The local date of an instant, `YYYY-MM-DD`. */
export function localDate(at: Instant, timeZone: string): string {
  return dateOf(localDay(at, timeZone))
}

/** The first instant of a local date (`YYYY-MM-DD`): not midnight where clocks skip it. */
export function startOfDay(date: string, timeZone: string): Instant {
  return timeOfDay(dayOf(date), 0, timeZone)
}

/** The date (`YYYY-MM-DD`) `days` later; earlier when negative. */
export function addDays(date: string, days: number): string {
  return dateOf(dayOf(date) + days)
}

/**
 * The local day of an instant. A day lasts from its first instant to the next day's first: where clocks are set back
 * over midnight the new day goes on, so that days never run backwards.
 */
export function localDay(at: Instant, timeZone: string): DayNumber {
  const shown = Math.floor(clockReading(at, timeZone) / dayMs)
  return at >= timeOfDay(shown + 1, 0, timeZone) ? shown + 1 : shown
}

/** The first instant at which the zone's clocks show `minute` minutes (0–1440) of that day, or later. */
export function timeOfDay(day: DayNumber, minute: number, timeZone: string): Instant {
  return firstShowing(day * dayMs + minute * minuteMs, timeZone)
}

/** The same time of day, `days` calendar days later in the zone. */
export function addLocalDays(at: Instant, days: number, timeZone: string): Instant {
  return firstShowing(clockReading(at, timeZone) + days * dayMs, timeZone)
}

/** A week without a sending day, and another where clocks skip the whole window of the only one. */
const longestWaitDays = 14

const neverOpens = 'The sending window has no day on which it opens'

/** null: it is no sending day, or clocks skip the whole window on it. */
function openingOn(window: SendingWindow, timeZone: string, day: DayNumber) {
  if (!window.days.includes(weekdayOf(day))) return null
  const opensAt = timeOfDay(day, window.fromMinute, timeZone)
  const closesAt = timeOfDay(day, window.toMinute, timeZone)
  return opensAt < closesAt ? { opensAt, closesAt } : null
}

/** More than any zone was ever ahead of UTC: by so much or less its clocks show a reading before UTC's do. */
const furthestAheadMs = 16 * 60 * minuteMs

/** What the zone's clocks show, as if they showed UTC. */
function clockReading(at: Instant, timeZone: string): number {
  return at + offsetSpanAt(at, timeZone).offsetMs
}

/** The first instant at which the zone's clocks show this reading or, where they skip it, a later one. */
function firstShowing(reading: number, timeZone: string): Instant {
  let span = offsetSpanAt(reading - furthestAheadMs, timeZone)
  while (reading - span.offsetMs >= span.toAt) span = offsetSpanAt(span.toAt, timeZone)
  return Math.max(reading - span.offsetMs, span.fromAt)
}

function weekdayOf(day: DayNumber): Weekday {
  // 1970-01-01 was a Thursday; the remainder of a negative number is negative.
  const index = (((day + 3) % 7) + 7) % 7
  return weekdays[index] as Weekday
}

function dateOf(day: DayNumber): string {
  return new Date(day * dayMs).toISOString().slice(0, 10)
}

function dayOf(date: string): DayNumber {
  return Date.parse(`${date}T00:00:00Z`) / dayMs
}
