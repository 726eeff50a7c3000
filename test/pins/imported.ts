import { ForewarnError } from '#core/errors.ts'
import { type ImportOptions, type ImportReport, importPins } from '#pins/import.ts'
import { MemoryPinTable } from './memory-pin-table.ts'

export interface Imported extends ImportReport {
  readonly table: MemoryPinTable
  /** The ids of the PINs that the table has now. */
  readonly ids: string[]
}

/** Imports what a file of this content would bring, in pieces of `size` bytes. */
export async function importContent(
  content: string | Buffer,
  more: Partial<ImportOptions> & { table?: MemoryPinTable; size?: number } = {},
): Promise<Imported> {
  const { size = 65_536, table = new MemoryPinTable(), ...options } = more
  const stream = inPieces(content, size)
  const report = await importPins({ file: 'pins.csv', stream, table, startedAt: 1_000, ...options })
  return { ...report, table, ids: [...table.pins.keys()] }
}

/** The bytes in pieces of `size`, as a slow stream would give them. */
async function* inPieces(content: string | Buffer, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(content)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** The ForewarnError that the work must end with. */
export async function errorOf(work: Promise<unknown>): Promise<ForewarnError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ForewarnError)) throw new Error('expected a ForewarnError', { cause: error })
  return error
}
