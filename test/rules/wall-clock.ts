import { Temporal } from 'temporal-polyfill'
import type { SendingWindow, Weekday } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'

/*
 * The calendar once more, as a person would use it: look at the wall clock and the wall calendar of a place. Slow and
 * plain on purpose, and nothing of the service's own calendar in it.
 */

/** The date on the wall. A day that has begun goes on, also where clocks are set back over midnight. */
export function dateIn(timeZone: string, at: Instant): Temporal.PlainDate {
  const shown = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).toPlainDate()
  const next = shown.add({ days: 1 })
  return firstShowing(next.toPlainDateTime(), timeZone) <= at ? next : shown
}

/** Days from one date on the wall to another; negative when it has passed. */
export function daysFrom(at: Instant, to: Instant, timeZone: string): number {
  return dateIn(timeZone, at).until(dateIn(timeZone, to), { largestUnit: 'day' }).days
}

/** When the wall clock first shows this, or, where clocks leap over it, what they leap to. */
export function firstShowing(wall: Temporal.PlainDateTime, timeZone: string): Instant {
  let wanted = wall
  for (;;) {
    const found = wanted.toZonedDateTime(timeZone, { disambiguation: 'earlier' })
    if (found.toPlainDateTime().equals(wanted)) return found.epochMilliseconds
    wanted = wanted.round({ smallestUnit: 'minute', roundingMode: 'floor' }).add({ minutes: 1 })
  }
}

/** The first instant of a date. */
export function beginOf(date: Temporal.PlainDate, timeZone: string): Instant {
  return firstShowing(date.toPlainDateTime(), timeZone)
}

/** The same time of day, so many days later. */
export function sameTimeLater(at: Instant, days: number, timeZone: string): Instant {
  const wall = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).toPlainDateTime()
  return firstShowing(wall.add({ days }), timeZone)
}

export interface Hours {
  readonly opensAt: Instant
  readonly closesAt: Instant
}

/** The hours of the window on one date: from when its begin is first shown until its end is. null: it does not open. */
export function hoursOn(date: Temporal.PlainDate, window: SendingWindow, timeZone: string): Hours | null {
  if (!window.days.includes(names[date.dayOfWeek - 1] as Weekday)) return null
  const midnight = date.toPlainDateTime()
  const opensAt = firstShowing(midnight.add({ minutes: window.fromMinute }), timeZone)
  const closesAt = firstShowing(midnight.add({ minutes: window.toMinute }), timeZone)
  return opensAt < closesAt ? { opensAt, closesAt } : null
}

/** The hours that are under way, or the next ones. */
export function hoursFrom(at: Instant, window: SendingWindow, timeZone: string): Hours {
  for (let date = dateIn(timeZone, at); ; date = date.add({ days: 1 })) {
    const hours = hoursOn(date, window, timeZone)
    if (hours !== null && at < hours.closesAt) return hours
  }
}

const names: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
