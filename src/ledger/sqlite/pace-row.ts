import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import { type PaceRow, paceColumns, paceRowOf } from '../pace-state.ts'
import { prepared } from './prepared.ts'
import { pace } from './schema.ts'

export interface PaceRowAccess {
  read(): PaceRow
  write(change: Partial<PaceRow>): void
}

/** Reads and writes inside the caller's transaction. */
export function paceRow(db: BetterSQLite3Database): PaceRowAccess {
  const select = prepared(() => db.select(columns).from(pace).prepare())
  return {
    read() {
      const row = select().get()
      if (row === undefined) throw new Error('the ledger has lost its pace')
      return paceRowOf(row)
    },
    write: (change) => void db.update(pace).set(paceColumns(change)).run(),
  }
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
