import { type Health, type Hold, healthAfter } from '#core/hold.ts'
import type { Instant } from '#core/instant.ts'
import { type Ramp, slowDown } from '#core/pace.ts'
import type { PaceState, Settlement } from './ledger.ts'
import type { Pacing } from './slots.ts'

/** The one row of the table `pace`. */
export type PaceRow = Pacing & Health & { readonly quotaAskedAt: Instant | null }

/** The members that are kept as JSON. */
interface Texts {
  readonly resumeRamp: string | null
  readonly throttledRamp: string | null
  readonly hold: string | null
}

/** A row as the table has it, read. */
export function paceRowOf<R extends Texts>(row: R): Omit<R, keyof Texts> & Pick<PaceRow, keyof Texts> {
  return {
    ...row,
    resumeRamp: parsed<Ramp>(row.resumeRamp),
    throttledRamp: parsed<Ramp>(row.throttledRamp),
    hold: parsed<Hold>(row.hold),
  }
}

/** What is to be written of a change; a column that is not named stays as it is. */
export function paceColumns({ resumeRamp, throttledRamp, hold, ...numbers }: Partial<PaceRow>) {
  return { ...numbers, resumeRamp: json(resumeRamp), throttledRamp: json(throttledRamp), hold: json(hold) }
}

type Answered = Pick<PaceRow, 'hold' | 'unansweredInARow' | 'throttledRamp'>

/** What one more answer of SES makes of the pace: the same object when nothing, as nearly always after a good one. */
export function paceAfter<R extends Answered>(
  before: R,
  { sign, slowDown: throttled }: Pick<Settlement, 'sign' | 'slowDown'>,
  databaseAt: Instant,
): R {
  const { hold, unansweredInARow } = healthAfter(before, sign, databaseAt)
  if (!throttled && hold === before.hold && unansweredInARow === before.unansweredInARow) return before
  const throttledRamp = throttled ? slowDown(before.throttledRamp, databaseAt) : before.throttledRamp
  return { ...before, hold, unansweredInARow, throttledRamp }
}

/** The pace as it is told. */
export function paceStateOf(row: PaceRow, databaseAt: Instant): PaceState {
  const { hold, unansweredInARow, sesRatePerSecond, quotaMax24Hour: max24Hour, quotaUsed, quotaAskedAt } = row
  const passing = (ramp: Ramp | null) => (ramp !== null && databaseAt < ramp.untilAt ? ramp : null)
  return {
    databaseAt,
    hold,
    unansweredInARow,
    resumeRamp: passing(row.resumeRamp),
    throttledRamp: passing(row.throttledRamp),
    sesRatePerSecond,
    quota: max24Hour === null ? null : { max24Hour, used: quotaUsed ?? 0, askedAt: quotaAskedAt ?? databaseAt },
  }
}

function parsed<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T)
}

/** undefined, which leaves a column as it is, stays so. */
function json(value: object | null | undefined): string | null | undefined {
  return value === null || value === undefined ? value : JSON.stringify(value)
}
