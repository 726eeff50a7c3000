import { type PaceRow, paceColumns, paceRowOf } from '../pace-state.ts'
import type { Database } from './connection.ts'
import { pace } from './schema.ts'

/** Reads the one row of the pace; with `lock`, for the rest of the caller's transaction. */
export async function readPaceRow(db: Database, { lock }: { lock: boolean }): Promise<PaceRow> {
  const select = db.select(columns).from(pace)
  const [row] = await (lock ? select.for('update') : select)
  if (row === undefined) throw new Error('the ledger has lost its pace')
  return paceRowOf(row)
}

export async function writePaceRow(db: Database, change: Partial<PaceRow>): Promise<void> {
  await db.update(pace).set(paceColumns(change))
}

const columns = {
  nextSlotAt: pace.nextSlotAt,
  resumeRamp: pace.resumeRamp,
  throttledRamp: pace.throttledRamp,
  hold: pace.hold,
  unansweredInARow: pace.unansweredInARow,
  sesRatePerSecond: pace.sesRatePerSecond,
  quotaMax24Hour: pace.quotaMax24Hour,
  quotaUsed: pace.quotaUsed,
  quotaAskedAt: pace.quotaAskedAt,
}
