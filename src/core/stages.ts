import { addLocalDays, localDay, openingAt, opensOnOrBefore, timeOfDay, zoneOf } from './calendar.ts'
import type { Campaign, Stage } from './campaign.ts'
import type { Instant } from './instant.ts'
import type { Pin } from './pin.ts'
import { recipientHash } from './recipient-hash.ts'

/** What stages need to know of a PIN. */
export type Expiring = Pick<Pin, 'expiresAt' | 'timeZone'>

/**
 * When a stage comes due. A warning: at the start of the window (none: at local midnight) on the day that lies its
 * days, and the recipient's spread, before the expiry's local date; where it does not open on that day, on the nearest
 * earlier one on which it does. `expired`: at the expiry's instant, or when the window opens next. `recipientKey` null: no spread.
 */
export function stageDueAt(stage: Stage, pin: Expiring, campaign: Campaign, recipientKey: string | null): Instant {
  const { window } = campaign
  const timeZone = zoneOf(pin, campaign)
  if (stage === 'expired') return Math.max(pin.expiresAt, openingAt(window, timeZone, pin.expiresAt).opensAt)

  const daysAhead = stageDays(stage) + spreadOffsetDays(campaign, recipientKey)
  const day = localDay(pin.expiresAt, timeZone) - daysAhead
  return window === null ? timeOfDay(day, 0, timeZone) : opensOnOrBefore(window, timeZone, day)
}

/** From when on `expired` is not sent any more: the expiry's time of day, the grace's calendar days later. */
export function graceEndsAt(pin: Expiring, campaign: Campaign): Instant {
  return addLocalDays(pin.expiresAt, campaign.graceDays, zoneOf(pin, campaign))
}

/** How many days earlier this recipient's warnings come due, 0 to `spreadDays`: one number for all their PINs. */
export function spreadOffsetDays(campaign: Campaign, recipientKey: string | null): number {
  if (campaign.spreadDays === 0 || recipientKey === null) return 0
  return recipientHash('spread', campaign.key, recipientKey) % (campaign.spreadDays + 1)
}

/** Days before the expiry; 0 for `expired`. */
export function stageDays(stage: Stage): number {
  return stage === 'expired' ? 0 : Number.parseInt(stage, 10)
}

/** The place of a stage among others: smaller is more urgent, `expired` before all warnings. */
export function priorityOf(stage: Stage): number {
  return stageDays(stage)
}

export function isMoreUrgent(stage: Stage, other: Stage): boolean {
  return priorityOf(stage) < priorityOf(other)
}

/** The most urgent of at least one stage. Throws a TypeError when there is none. */
export function mostUrgent(stages: readonly Stage[]): Stage {
  return stages.reduce((best, stage) => (isMoreUrgent(stage, best) ? stage : best))
}

/** The days of the widest stage; 0 when there are no warnings. */
export function widestStageDays(stages: readonly Stage[]): number {
  return Math.max(0, ...stages.map(stageDays))
}

/**
 * The fewest days between two warnings, which a spread must stay below; Infinity when there are fewer than two.
 * `expired` does not count: it never moves, and a spread only takes warnings further from it.
 */
export function smallestGapDays(stages: readonly Stage[]): number {
  const days = stages
    .filter((stage) => stage !== 'expired')
    .map(stageDays)
    .sort((one, other) => one - other)
  const gaps = days.slice(1).map((day, index) => day - (days[index] ?? day))
  return Math.min(Number.POSITIVE_INFINITY, ...gaps)
}
