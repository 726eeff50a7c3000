import { extname } from 'node:path'
import { ForewarnError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import type { Pin } from '#core/pin.ts'
import { readCsv } from './csv.ts'
import { readFileBytes, readStreamBytes } from './file-bytes.ts'
import type { FileRecord } from './file-record.ts'
import { readTextLines } from './lines.ts'
import { readNdjson } from './ndjson.ts'
import type { PinTable } from './pins.ts'
import { type RowProblem, readPin } from './row.ts'

export const pinFileFormats = ['csv', 'ndjson'] as const
export type PinFileFormat = (typeof pinFileFormats)[number]

export interface ImportOptions {
  /** Path of the file; with `stream`, only its name in messages. */
  readonly file: string
  /** Read instead of the file, for example standard input. */
  readonly stream?: AsyncIterable<Uint8Array>
  /** Default: by the file's extension. */
  readonly format?: PinFileFormat
  readonly table: PinTable
  /** Checks and reports the same, and writes nothing. */
  readonly dryRun?: boolean
  readonly startedAt: Instant
  /** Called after each batch. */
  readonly onProgress?: (progress: ImportProgress) => void
  /** Called for each rejected row, also beyond those that the report keeps. */
  readonly onRejected?: (row: RejectedRow) => void
}

export interface ImportProgress {
  readonly read: number
  readonly accepted: number
  readonly rejectedTotal: number
}

/** A row that was not imported. `line` is where it begins in the file; `value` is cut; `column` is null for the row as a whole. */
export interface RejectedRow extends RowProblem {
  readonly line: number
}

/** What became of the rows: each that was read is accepted or rejected. */
export interface ImportReport extends ImportProgress {
  /** The first of them. */
  readonly rejected: readonly RejectedRow[]
  /** More were rejected than are listed. */
  readonly truncated: boolean
  readonly warnings: readonly string[]
}

const batchRows = 1_000
const maxRejectedKept = 1_000
const maxValueCharacters = 100
const maxUnknownColumns = 20
/** All ids of a file are held in memory, about 100 bytes each, to find those that come twice. */
const maxPins = 10_000_000

/**
 * Imports a file of PINs: good rows in, by batches that are whole or not at all; bad rows named. A PIN that the table has is
 * replaced. Of an id twice in one file the later row is rejected, rejected rows not counting. The table is marked as fresh when
 * the whole file was read and at least one row was accepted.
 *
 * Throws `input-unreadable` when nothing can be read, or not to the end (batches before that stay), and what the table throws.
 */
export async function importPins(options: ImportOptions): Promise<ImportReport> {
  const intake = new Intake(options)
  try {
    for await (const records of readRecords(options, intake.unknownColumns)) {
      for (const record of records) {
        intake.take(record)
        if (intake.full) await intake.store()
      }
    }
    await intake.store()
  } catch (error) {
    throw intake.explained(error)
  }
  const report = intake.report()
  if (!options.dryRun && report.accepted > 0) await options.table.markRefreshed(options.startedAt)
  return report
}

function readRecords(options: ImportOptions, unknownColumns: Set<string>): AsyncIterable<FileRecord[]> {
  const { file, stream, format = formatOf(file) } = options
  const bytes = stream === undefined ? readFileBytes(file) : readStreamBytes(stream, file)
  const lines = readTextLines(bytes, file)
  const onUnknownColumn = (name: string): void => {
    if (unknownColumns.size <= maxUnknownColumns) unknownColumns.add(shortened(name))
  }
  return format === 'csv' ? readCsv(lines, { file, onUnknownColumn }) : readNdjson(lines, { file, onUnknownColumn })
}

function formatOf(file: string): PinFileFormat {
  const extension = extname(file).toLowerCase()
  if (extension === '.csv') return 'csv'
  if (extension === '.ndjson' || extension === '.jsonl') return 'ndjson'
  throw new ForewarnError('input-unreadable', `The name of ${file} does not tell its format.`, {
    path: `${file}:1:1`,
    hint: `Give --format ${pinFileFormats.join(' or ')}.`,
  })
}

/** Lets records in, holds a batch, and keeps the books. */
class Intake {
  readonly unknownColumns = new Set<string>()
  readonly #options: ImportOptions
  readonly #lineOf = new Map<string, number>()
  readonly #rejected: RejectedRow[] = []
  #batch: Pin[] = []
  #read = 0
  #accepted = 0
  #rejectedTotal = 0

  constructor(options: ImportOptions) {
    this.#options = options
  }

  get full(): boolean {
    return this.#batch.length >= batchRows
  }

  take(record: FileRecord): void {
    this.#read += 1
    const result = 'problem' in record ? record : readPin(record.cells)
    if ('problem' in result) this.#reject(record.line, result.problem)
    else this.#admit(record.line, result.pin)
  }

  async store(): Promise<void> {
    const { table, dryRun, onProgress } = this.#options
    if (!dryRun && this.#batch.length > 0) await table.upsert(this.#batch)
    this.#accepted += this.#batch.length
    this.#batch = []
    onProgress?.(this.#progress())
  }

  report(): ImportReport {
    const truncated = this.#rejectedTotal > this.#rejected.length
    return { ...this.#progress(), rejected: this.#rejected, truncated, warnings: this.#warnings() }
  }

  /** The error that ended the reading, which also says what has been imported before it. */
  explained(error: unknown): unknown {
    const kept = this.#options.dryRun ? 0 : this.#accepted
    if (!(error instanceof ForewarnError) || error.code !== 'input-unreadable' || kept === 0) return error
    return new ForewarnError(error.code, `${error.message} ${kept} PINs before that have been imported and stay.`, {
      ...(error.path === undefined ? {} : { path: error.path }),
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    })
  }

  #admit(line: number, pin: Pin): void {
    const first = this.#lineOf.get(pin.pinId)
    if (first !== undefined) {
      const reason = `comes twice in this file; the row on line ${first} counts`
      this.#reject(line, { column: 'pin_id', value: pin.pinId, reason })
      return
    }
    if (this.#lineOf.size >= maxPins) {
      throw new ForewarnError('input-unreadable', `${this.#options.file} has more than ${maxPins} PINs.`, {
        path: `${this.#options.file}:${line}:pin_id`,
        hint: 'Split it into several files.',
      })
    }
    this.#lineOf.set(copied(pin.pinId), line)
    this.#batch.push(pin)
  }

  #reject(line: number, problem: RowProblem): void {
    this.#rejectedTotal += 1
    const row = { line, ...problem, value: shortened(problem.value) }
    if (this.#rejected.length < maxRejectedKept) this.#rejected.push(row)
    this.#options.onRejected?.(row)
  }

  #progress(): ImportProgress {
    return { read: this.#read, accepted: this.#accepted, rejectedTotal: this.#rejectedTotal }
  }

  #warnings(): string[] {
    const warnings: string[] = []
    const unknown = [...this.unknownColumns]
    if (unknown.length > 0) {
      const more = unknown.length > maxUnknownColumns ? ' and more' : ''
      warnings.push(`Columns that are not read: ${unknown.slice(0, maxUnknownColumns).join(', ')}${more}.`)
    }
    if (this.#read === 0) warnings.push('The file has a header, but no rows.')
    if (this.#accepted === 0) warnings.push('No row was accepted: the PINs count as no fresher than before.')
    return warnings
  }
}

function shortened(text: string): string {
  // Twice as many units hold as many characters, whatever they are.
  const start = text.slice(0, maxValueCharacters * 2)
  return copied(start.length <= maxValueCharacters ? start : Array.from(start).slice(0, maxValueCharacters).join(''))
}

/** Text to keep: a part of a string would keep the whole row that it was cut from in memory. */
function copied(text: string): string {
  return Buffer.from(text).toString()
}
