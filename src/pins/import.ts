import { extname } from 'node:path'
import { ForewarnError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import { AbsentPins } from './absent.ts'
import { readCsv } from './csv.ts'
import type { FileRecord } from './file-record.ts'
import { type Input, openInput } from './input.ts'
import { Intake, type RejectedRow, shortened } from './intake.ts'
import { readTextLines } from './lines.ts'
import { readNdjson } from './ndjson.ts'
import type { PinTable } from './pins.ts'
import { readPin } from './row.ts'
import { inTurn, type TurnOptions } from './turn.ts'

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
  /** Afterwards, PINs that the table held when the import began and that the file does not name are gone. */
  readonly replace?: Replacing
  readonly startedAt: Instant
  /** Called often: after each piece of the file, and each page that is removed. */
  readonly onProgress?: (progress: ImportProgress) => void
  /** Called for each rejected row, also beyond those that the report keeps. */
  readonly onRejected?: (row: RejectedRow) => void
  /** Ends the import after the batch at hand. */
  readonly signal?: AbortSignal
}

/** How to replace. Imports that do, one at a time. */
export interface Replacing extends Pick<TurnOptions, 'leases' | 'waitMs' | 'onWait'> {
  /** Remove them also when they are more than a fifth of all. */
  readonly evenMany: boolean
}

export interface ImportCounts {
  readonly read: number
  readonly accepted: number
  readonly rejectedTotal: number
}

/** Where an import is: reading the file ahead (only to replace), taking its rows, or removing the PINs that it does not name. */
export interface ImportProgress extends ImportCounts {
  readonly phase: 'ahead' | 'rows' | 'removal'
  /** Done of this phase, and in all (null: not known): bytes of the file, or PINs to remove. */
  readonly done: number
  readonly total: number | null
}

/** What became of the rows: each that was read is accepted or rejected. */
export interface ImportReport extends ImportCounts {
  /** The first of them. */
  readonly rejected: readonly RejectedRow[]
  /** More were rejected than are listed. */
  readonly truncated: boolean
  /** PINs that are gone, or would be on a dry run; null: nothing was to be replaced. */
  readonly removed: number | null
  readonly warnings: readonly string[]
}

/** A larger part of the PINs goes only when asked for. */
const largestShareRemoved = 0.2
const maxUnknownColumns = 20

/**
 * Imports a file of PINs: good rows in, by batches that are whole or not at all; bad rows named. A PIN that the table has is
 * replaced. Of an id twice in one file the later row is rejected, rejected rows not counting. The table is marked as fresh when
 * the whole file was read and at least one row was accepted.
 *
 * To replace, the file is read twice: first ahead, without writing. PINs are removed after the last row only; a rejected row
 * keeps its PIN. When no row is accepted nobody is removed.
 *
 * Throws `input-unreadable` when nothing can be read, or not to the end (batches before that stay); `replace-too-much` and
 * `import-under-way` before anything is written; `interrupted`; and what the table and `onRejected` throw.
 */
export async function importPins(options: ImportOptions): Promise<ImportReport> {
  const { file, replace, signal } = options
  const input = await openInput(file, options)
  try {
    if (replace === undefined) return await new Import(options, input).run()
    if (input.totalBytes === null) {
      throw new ForewarnError('usage', `${file} cannot be read twice, as --replace must.`, {
        hint: 'Save it to a file first, and give its name. Nothing was imported.',
      })
    }
    if (options.dryRun) return await new Import(options, input).run(replace)
    const turn = { ...replace, ...(signal === undefined ? {} : { signal }) }
    return await inTurn(turn, (keep) => new Import(options, input, keep).run(replace))
  } catch (error) {
    throw signal?.aborted && error === signal.reason ? interrupted('Nothing was imported.') : error
  } finally {
    await input.close()
  }
}

class Import {
  readonly #options: ImportOptions
  readonly #input: Input
  /** To be awaited now and then: it throws when the import must not go on. */
  readonly #keep: () => Promise<void>
  readonly #intake: Intake
  readonly #unknownColumns = new Set<string>()
  #removed = 0

  constructor(options: ImportOptions, input: Input, keepTurn: () => Promise<void> = async () => {}) {
    const { file, table, dryRun, onRejected, signal } = options
    this.#options = options
    this.#input = input
    this.#keep = async () => {
      signal?.throwIfAborted()
      await keepTurn()
    }
    this.#intake = new Intake({
      file,
      onRejected,
      store: async (pins) => {
        if (!dryRun) await table.upsert(pins)
      },
    })
  }

  async run(replace?: Replacing): Promise<ImportReport> {
    const absent = replace === undefined ? null : await this.#readAhead(replace)
    const { table, dryRun, startedAt } = this.#options
    try {
      for await (const records of this.#records('rows')) await this.#intake.take(records)
      await this.#intake.store()
      const { accepted } = this.#intake.counts
      if (absent !== null && accepted > 0) await this.#remove(absent)
      if (!dryRun && accepted > 0) await table.markRefreshed(startedAt)
    } catch (error) {
      throw this.#explained(error)
    }
    return this.#report(absent)
  }

  /** Finds the PINs that the file does not name. Throws `replace-too-much` when they are too many. */
  async #readAhead({ evenMany }: Replacing): Promise<AbsentPins> {
    const { table, dryRun, file } = this.#options
    const absent = await AbsentPins.of(table)
    let anyAccepted = false
    for await (const records of this.#records('ahead')) {
      for (const record of records) {
        absent.strike(record)
        anyAccepted ||= 'cells' in record && 'pin' in readPin(record.cells)
      }
    }
    if (anyAccepted && !evenMany && !dryRun && isTooMuch(absent)) {
      throw new ForewarnError('replace-too-much', `${tooMuch(absent)}; nothing was written.`, {
        path: file,
        hint: 'If they are really gone, add --yes.',
      })
    }
    return absent
  }

  async #remove(absent: AbsentPins): Promise<void> {
    const { table, dryRun } = this.#options
    if (dryRun) {
      this.#removed = absent.count
      return
    }
    for (const page of absent.pages()) {
      await this.#keep()
      this.#removed += await table.remove(page)
      this.#tell('removal', this.#intake.counts, this.#removed, absent.count)
    }
  }

  /** The file's records from its start, as they come. */
  async *#records(phase: 'ahead' | 'rows'): AsyncGenerator<FileRecord[]> {
    let bytes = 0
    let read = 0
    const counted = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        bytes += chunk.length
        yield chunk
      }
    }
    for await (const records of readRecords(counted(this.#input.bytes()), this.#options, this.#unknownColumns)) {
      yield records
      read += records.length
      await this.#keep()
      this.#tell(phase, { ...this.#intake.counts, read }, bytes, this.#input.totalBytes)
    }
  }

  #tell(phase: ImportProgress['phase'], counts: ImportCounts, done: number, total: number | null): void {
    this.#options.onProgress?.({ phase, ...counts, done, total })
  }

  /** The error that ended the import, which also says what has become of the PINs before it. */
  #explained(error: unknown): unknown {
    const { dryRun, replace, signal } = this.#options
    const { accepted } = this.#intake.counts
    const unread = error instanceof ForewarnError && error.code === 'input-unreadable'
    const sentences = dryRun
      ? ''
      : [
          ...(accepted > 0 ? [`${accepted} PINs before that have been imported and stay.`] : []),
          ...(accepted === 0 && !unread ? ['Nothing was imported.'] : []),
          ...(replace !== undefined && accepted > 0 ? [`${this.#removed || 'No'} PINs were removed.`] : []),
        ].join(' ')
    if (signal?.aborted && error === signal.reason) return interrupted(sentences)
    if (!(error instanceof ForewarnError) || sentences === '') return error
    return new ForewarnError(error.code, `${error.message.replace(/\.?$/, '.')} ${sentences}`, {
      ...(error.path === undefined ? {} : { path: error.path }),
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    })
  }

  #report(absent: AbsentPins | null): ImportReport {
    const { counts, rejected } = this.#intake
    const truncated = counts.rejectedTotal > rejected.length
    const removed = absent === null ? null : this.#removed
    return { ...counts, rejected, truncated, removed, warnings: this.#warnings(absent) }
  }

  #warnings(absent: AbsentPins | null): string[] {
    const { dryRun, replace } = this.#options
    const { read, accepted } = this.#intake.counts
    const warnings: string[] = []
    const unknown = [...this.#unknownColumns]
    if (unknown.length > 0) {
      const more = unknown.length > maxUnknownColumns ? ' and more' : ''
      warnings.push(`Columns that are not read: ${unknown.slice(0, maxUnknownColumns).join(', ')}${more}.`)
    }
    if (read === 0) warnings.push('The file has a header, but no rows.')
    if (accepted === 0) warnings.push('No row was accepted: the PINs count as no fresher than before.')
    if (absent === null) return warnings

    if (accepted === 0) warnings.push('No PIN was removed: a file without one good row replaces nothing.')
    if (this.#removed > 0 && absent.nameless > 0) {
      warnings.push(
        `Rejected rows in which no known pin_id can be read: ${absent.nameless}. Their PINs may be among those removed.`,
      )
    }
    if (dryRun && accepted > 0 && !replace?.evenMany && isTooMuch(absent)) {
      warnings.push(`${tooMuch(absent)}; that would need --yes.`)
    }
    return warnings
  }
}

function isTooMuch({ count, held }: AbsentPins): boolean {
  return count > held * largestShareRemoved
}

function tooMuch({ count, held }: AbsentPins): string {
  return `${count} of the ${held} PINs in the table are not in this file and would be removed, more than ${largestShareRemoved * 100} %`
}

function interrupted(whatStays: string): ForewarnError {
  return new ForewarnError('interrupted', `The import was interrupted. ${whatStays}`.trimEnd(), {
    hint: 'Import again.',
  })
}

async function* readRecords(
  bytes: AsyncIterable<Uint8Array>,
  { file, format }: ImportOptions,
  unknownColumns: Set<string>,
): AsyncGenerator<FileRecord[]> {
  const lines = readTextLines(bytes, file)
  const onUnknownColumn = (name: string): void => {
    if (unknownColumns.size <= maxUnknownColumns) unknownColumns.add(shortened(name))
  }
  const found = format ?? formatOf(file)
  if (found === null) {
    // What it is matters more than how it is named.
    for await (const _ of lines) break
    throw new ForewarnError('input-unreadable', `The name of ${file} does not tell its format.`, {
      path: `${file}:1:1`,
      hint: `Give --format ${pinFileFormats.join(' or ')}.`,
    })
  }
  yield* (found === 'csv' ? readCsv : readNdjson)(lines, { file, onUnknownColumn })
}

function formatOf(file: string): PinFileFormat | null {
  const extension = extname(file).toLowerCase()
  if (extension === '.csv') return 'csv'
  return extension === '.ndjson' || extension === '.jsonl' ? 'ndjson' : null
}
