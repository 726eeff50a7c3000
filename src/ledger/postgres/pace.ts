import type { PaceBook } from '../ledger.ts'
import { paceStateOf } from '../pace-state.ts'
import { reserveSlots } from '../slots.ts'
import type { Connection } from './connection.ts'
import { readPaceRow, writePaceRow } from './pace-row.ts'

/** Who may call SES next, and how fast: one row for all processes, in database time. */
export function postgresPace(connection: Connection): PaceBook {
  return {
    reserve: (wanted, policy) =>
      connection.write(async (db) => {
        const before = await readPaceRow(db, { lock: true })
        // After the lock, which others may have had for a while.
        const { reservation, pacing } = reserveSlots(before, wanted, policy, await connection.now(db))
        if (pacing !== before) await writePaceRow(db, pacing)
        return reservation
      }),

    setQuota: ({ maxPerSecond, max24Hour, sentLast24Hours }) =>
      connection.write(async (db) => {
        await writePaceRow(db, {
          sesRatePerSecond: maxPerSecond,
          quotaMax24Hour: max24Hour,
          quotaUsed: sentLast24Hours,
          quotaAskedAt: await connection.now(db),
        })
      }),

    takeQuotaTurn: (everyMs) =>
      connection.write(async (db) => {
        const { quotaAskedAt } = await readPaceRow(db, { lock: true })
        const now = await connection.now(db)
        // A turn in the future was taken before the clock was set back.
        const due = quotaAskedAt === null || quotaAskedAt <= now - everyMs || quotaAskedAt > now
        if (due) await writePaceRow(db, { quotaAskedAt: now })
        return due
      }),

    read: () =>
      connection.read(async (db) => paceStateOf(await readPaceRow(db, { lock: false }), await connection.now(db))),
  }
}
