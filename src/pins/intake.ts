import { ForewarnError } from '#core/errors.ts'
import type { Pin } from '#core/pin.ts'
import type { FileRecord } from './file-record.ts'
import { type RowProblem, readPin } from './row.ts'

/** A row that was not imported. `line` is where it begins in the file; `value` is cut; `column` is null for the row as a whole. */
export interface RejectedRow extends RowProblem {
  readonly line: number
}

export interface IntakeOptions {
  /** The file's name, for messages. */
  readonly file: string
  readonly store: (pins: readonly Pin[]) => Promise<void>
  readonly onRejected?: ((row: RejectedRow) => void) | undefined
}

const batchRows = 1_000
const maxRejectedKept = 1_000
const maxValueCharacters = 100
/** All ids of a file are held in memory, about 100 bytes each, to find those that come twice. */
const maxPins = 10_000_000

/** Lets records in, holds a batch of PINs until it is stored, and keeps the books: each record is accepted or rejected. */
export class Intake {
  /** The first of the rejected rows. */
  readonly rejected: RejectedRow[] = []
  readonly #options: IntakeOptions
  readonly #lineOf = new Map<string, number>()
  #batch: Pin[] = []
  #read = 0
  #accepted = 0
  #rejectedTotal = 0

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  get counts(): { readonly read: number; readonly accepted: number; readonly rejectedTotal: number } {
    return { read: this.#read, accepted: this.#accepted, rejectedTotal: this.#rejectedTotal }
  }

  async take(records: readonly FileRecord[]): Promise<void> {
    for (const record of records) {
      this.#read += 1
      const result = 'problem' in record ? record : readPin(record.cells)
      if ('problem' in result) this.#reject(record.line, result.problem)
      else this.#admit(record.line, result.pin)
      if (this.#batch.length >= batchRows) await this.store()
    }
  }

  /** Stores what is held. */
  async store(): Promise<void> {
    if (this.#batch.length === 0) return
    await this.#options.store(this.#batch)
    this.#accepted += this.#batch.length
    this.#batch = []
  }

  #admit(line: number, pin: Pin): void {
    const first = this.#lineOf.get(pin.pinId)
    if (first !== undefined) {
      const reason = `comes twice in this file; the row on line ${first} counts`
      this.#reject(line, { column: 'pin_id', value: pin.pinId, reason })
      return
    }
    if (this.#lineOf.size >= maxPins) {
      const { file } = this.#options
      throw new ForewarnError('input-unreadable', `${file} has more than ${maxPins} PINs.`, {
        path: `${file}:${line}:pin_id`,
        hint: 'Split it into several files.',
      })
    }
    this.#lineOf.set(copied(pin.pinId), line)
    this.#batch.push(pin)
  }

  #reject(line: number, problem: RowProblem): void {
    this.#rejectedTotal += 1
    const row = { line, ...problem, value: shortened(problem.value) }
    if (this.rejected.length < maxRejectedKept) this.rejected.push(row)
    this.#options.onRejected?.(row)
  }
}

/** At most 100 characters of a text. */
export function shortened(text: string): string {
  // Twice as many units hold as many characters, whatever they are.
  const start = text.slice(0, maxValueCharacters * 2)
  return copied(start.length <= maxValueCharacters ? start : Array.from(start).slice(0, maxValueCharacters).join(''))
}

/** Text to keep: a part of a string would keep the whole row that it was cut from in memory. */
function copied(text: string): string {
  return Buffer.from(text).toString()
}
