import type { Pin } from '#core/pin.ts'
import { type PinColumn, type PinRecord, readPin } from './row.ts'

/** Something wrong with a row of the portal's relation. Says nothing of the row itself. */
export interface RowFlaw {
  readonly column: PinColumn
  /** Reads as a sentence after the column's name; no values. */
  readonly reason: string
  /** True: the row is not used. False: it is used as if this cell were empty. */
  readonly leftOut: boolean
}

/** Rows that share a flaw. */
export interface BadRows extends RowFlaw {
  readonly rows: number
}

/**
 * Cells that say how somebody is written to. When one of them is bad, the PIN is read without it: to warn in another language is
 * better than not to warn, and a PIN without an address is recorded as such. All other cells say whether somebody is written to:
 * there, to take bad for empty would let a reminder go to a PIN that is revoked, or twice.
 */
const dispensable: readonly (string | null)[] = ['email', 'name', 'account_name', 'locale', 'time_zone']

/** Reads where the portal has no address. Never sent to: it is taken out again. */
const standIn = 'nobody@example.com'

/** Reads a row by the rules of files (`readPin`); null: it cannot be used. An empty address is no flaw. */
export function readPortalRow(row: PinRecord): { readonly pin: Pin | null; readonly flaws: readonly RowFlaw[] } {
  const flaws: RowFlaw[] = []
  let hasAddress = (row.email ?? '').trim() !== ''
  let cells = hasAddress ? row : { ...row, email: standIn }
  for (;;) {
    const read = readPin(cells)
    if ('pin' in read) return { pin: hasAddress ? read.pin : { ...read.pin, email: null }, flaws }
    const column = read.problem.column as PinColumn
    const leftOut = !dispensable.includes(column)
    flaws.push({ column, reason: withoutValue(read.problem.reason), leftOut })
    if (leftOut) return { pin: null, flaws }
    if (column === 'email') hasAddress = false
    cells = { ...cells, [column]: column === 'email' ? standIn : null }
  }
}

/** Counts flaws by column and reason. */
export class FlawCount {
  readonly #byFlaw = new Map<string, BadRows>()

  add(flaw: RowFlaw): void {
    const key = `${flaw.column} ${flaw.reason}`
    this.#byFlaw.set(key, { ...flaw, rows: (this.#byFlaw.get(key)?.rows ?? 0) + 1 })
  }

  list(): BadRows[] {
    return [...this.#byFlaw.values()]
  }
}

/** The one reason that quotes its value. */
function withoutValue(reason: string): string {
  return reason.replace(/^\d{4}-\d\d-\d\d is no day of the calendar/, 'names a day that is none')
}
