import { gt, isNull, lte, or } from 'drizzle-orm'
import type { PaceBook } from '../ledger.ts'
import { paceStateOf } from '../pace-state.ts'
import { reserveSlots } from '../slots.ts'
import type { Connection } from './connection.ts'
import { paceRow } from './pace-row.ts'
import { pace } from './schema.ts'

/** Who may call SES next, and how fast: one row for all processes, in database time. */
export function sqlitePace(connection: Connection): PaceBook {
  const { db } = connection
  const row = paceRow(db)
  return {
    reserve: (wanted, policy) =>
      connection.write(() => {
        const before = row.read()
        const { reservation, pacing } = reserveSlots(before, wanted, policy, connection.now())
        if (pacing !== before) row.write(pacing)
        return reservation
      }),

    setQuota: ({ maxPerSecond, max24Hour, sentLast24Hours }) =>
      connection.write(() => {
        db.update(pace)
          .set({
            sesRatePerSecond: maxPerSecond,
            quotaMax24Hour: max24Hour,
            quotaUsed: sentLast24Hours,
            quotaAskedAt: connection.now(),
          })
          .run()
      }),

    takeQuotaTurn: (everyMs) =>
      connection.write(() => {
        const now = connection.now()
        // A turn in the future was taken before the clock was set back.
        const due = or(isNull(pace.quotaAskedAt), lte(pace.quotaAskedAt, now - everyMs), gt(pace.quotaAskedAt, now))
        return db.update(pace).set({ quotaAskedAt: now }).where(due).run().changes === 1
      }),

    read: () => connection.read(() => paceStateOf(row.read(), connection.now())),
  }
}
