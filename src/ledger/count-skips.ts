import type { SkipCounts, SkipReason } from '#core/reminder.ts'

/** How often each reason was given. */
export function countSkips(reasons: readonly SkipReason[]): SkipCounts {
  const counts: Partial<Record<SkipReason, number>> = {}
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1
  return counts
}
