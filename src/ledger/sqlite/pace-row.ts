import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Health, Hold } from '#core/hold.ts'
import type { Instant } from '#core/instant.ts'
import type { Ramp } from '#core/pace.ts'
import { prepared } from './prepared.ts'
import { pace } from './schema.ts'
import type { Pacing } from './slots.ts'

/** The one row of the table `pace`. */
type PaceRow = Pacing & Health & { readonly quotaAskedAt: Instant | null }

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
      return {
        ...row,
        resumeRamp: parsed<Ramp>(row.resumeRamp),
        throttledRamp: parsed<Ramp>(row.throttledRamp),
        hold: parsed<Hold>(row.hold),
      }
    },
    write({ resumeRamp, throttledRamp, hold, ...numbers }) {
      const texts = { resumeRamp: json(resumeRamp), throttledRamp: json(throttledRamp), hold: json(hold) }
      db.update(pace)
        .set({ ...numbers, ...texts })
        .run()
    },
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

function parsed<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T)
}

/** undefined, which leaves a column as it is, stays so. */
function json(value: object | null | undefined): string | null | undefined {
  return value === null || value === undefined ? value : JSON.stringify(value)
}
