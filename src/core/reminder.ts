import type { Stage } from './campaign.ts'
import type { Instant } from './instant.ts'

/** Why a reminder was decided without a mail. */
export const skipReasons = [
  'reset',
  'revoked',
  'gone',
  'no-pin',
  'superseded',
  'too-late',
  'suppressed',
  'no-address',
  'not-applicable',
] as const
export type SkipReason = (typeof skipReasons)[number]

/** How many reminders were decided without a mail, by reason. */
export type SkipCounts = Readonly<Partial<Record<SkipReason, number>>>

/** How often each reason was given. */
export function countSkips(reasons: readonly SkipReason[]): SkipCounts {
  const counts: Partial<Record<SkipReason, number>> = {}
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1
  return counts
}

/** Both counts together. */
export function addSkips(one: SkipCounts, other: SkipCounts): SkipCounts {
  const sum: Partial<Record<SkipReason, number>> = { ...one }
  for (const [reason, count] of Object.entries(other) as [SkipReason, number][])
    sum[reason] = (sum[reason] ?? 0) + count
  return sum
}

/**
 * Skips that a scan takes back when it sees the PIN eligible at the same stage again: the portal may have erred, the campaign may
 * have been narrower, or business time was set back.
 */
export const reopenable: ReadonlySet<SkipReason> = new Set(['gone', 'revoked', 'no-address', 'not-applicable'])

/** How a reminder ended; null in its place means open: still to be decided, or in a message whose end is not known yet. */
export type ReminderOutcome = 'sent' | 'failed' | 'skipped'

/** What names a reminder within a campaign. Unique in the ledger. */
export interface ReminderKey {
  readonly pinId: string
  readonly version: string
  readonly stage: Stage
}

/** A reminder as a scan writes it first: open, or decided in the same write. */
export interface NewReminder extends ReminderKey {
  readonly dueAt: Instant
  /** null when the PIN has no address. */
  readonly recipientKey: string | null
  /** null: open */
  readonly skip: SkipReason | null
}

/** A reminder that the ledger holds already. */
export interface KnownReminder extends ReminderKey {
  readonly id: string
  readonly outcome: ReminderOutcome | null
  readonly reason: SkipReason | null
}

/** An open reminder that no mail has claimed: without a message, or in one that is `pending`. */
export interface OpenReminder extends ReminderKey {
  readonly id: string
  readonly dueAt: Instant
  readonly recipientKey: string
  readonly messageId: string | null
}
