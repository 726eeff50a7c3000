import { ForewarnError } from '#core/errors.ts'
import type { FileReading, FileRecord } from './file-record.ts'
import { isUtf8Part, type Line, notUtf8, textOf, tooLong } from './lines.ts'
import { type PinRecord, pinColumns, type RowProblem } from './row.ts'

/**
 * Reads NDJSON: one JSON object per line. Values are text or null; a whole number counts as its digits, since ids often are
 * numbers. Throws `input-unreadable` at the end when there were lines, but not one JSON object.
 */
export async function* readNdjson(lines: AsyncIterable<Line[]>, reading: FileReading): AsyncGenerator<FileRecord[]> {
  let objects = 0
  let firstLine: number | null = null

  for await (const batch of lines) {
    const records: FileRecord[] = []
    for (const line of batch) {
      const { text, utf8 } = textOf(line.bytes)
      if (text.trim() === '') continue
      firstLine ??= line.number
      const object = line.cut ? null : parseObject(text)
      if (object !== null) {
        objects += 1
        records.push({ line: line.number, ...cellsOf(object, text, utf8, reading) })
      } else {
        const problem = line.cut ? tooLong(line.bytes) : { column: null, value: text, reason: 'is not a JSON object' }
        records.push({ line: line.number, problem })
      }
    }
    yield records
  }
  if (firstLine !== null && objects === 0) {
    throw new ForewarnError('input-unreadable', 'The file has no line that is a JSON object.', {
      path: `${reading.file}:${firstLine}:1`,
      hint: 'NDJSON has one JSON object per line, without an array around them. For CSV, give --format csv.',
    })
  }
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    return value as Record<string, unknown>
  } catch {
    return null
  }
}

function cellsOf(
  object: Record<string, unknown>,
  text: string,
  utf8: boolean,
  { onUnknownColumn }: FileReading,
): { cells: PinRecord } | { problem: RowProblem } {
  const cells: PinRecord = {}
  for (const column of pinColumns) {
    const value = object[column] ?? null
    if (value === null) continue
    const cell = cellOf(value)
    if (cell === null) {
      return {
        problem: { column, value: JSON.stringify(value), reason: 'is not text; expected a JSON string or null' },
      }
    }
    if (!utf8 && !isUtf8Part(cell)) return { problem: { column, value: cell, reason: notUtf8 } }
    cells[column] = cell
  }
  if (!utf8) return { problem: { column: null, value: text, reason: notUtf8 } }

  for (const name of Object.keys(object)) {
    if (!pinColumns.some((column) => column === name)) onUnknownColumn(name)
  }
  return { cells }
}

function cellOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  return Number.isSafeInteger(value) ? String(value) : null
}
