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
      const parsed = line.cut ? { problem: tooLong(line.bytes) } : parseObject(text)
      if ('object' in parsed) objects += 1
      const read = 'object' in parsed ? cellsOf(parsed.object, text, utf8, reading) : parsed
      records.push('cells' in read ? { line: line.number, cells: read.cells } : { line: line.number, ...read, text })
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

type JsonObject = Readonly<Record<string, unknown>>

function parseObject(text: string): { readonly object: JsonObject } | { readonly problem: RowProblem } {
  const problem = (reason: string) => ({ problem: { column: null, value: text, reason } })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    const array = /^\s*\{.*\}\s*,\s*$/s.test(text)
    const because = array ? 'has a comma after its object, as in an array' : 'is not JSON'
    return problem(`${because}; expected one JSON object on each line`)
  }
  if (Array.isArray(value)) return problem('is an array; expected one JSON object on each line')
  if (typeof value !== 'object' || value === null)
    return problem(`is ${text.trim().slice(0, 20)}; expected a JSON object`)
  return { object: value as JsonObject }
}

function cellsOf(
  object: JsonObject,
  text: string,
  utf8: boolean,
  { onUnknownColumn }: FileReading,
): { cells: PinRecord } | { problem: RowProblem } {
  const cells: PinRecord = {}
  const twice = nameTwice(text)
  if (twice !== null) {
    return { problem: { column: twice, value: text, reason: 'is named twice in one object; expected each name once' } }
  }
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

/** A name that the object has twice, of which `JSON.parse` keeps the last without a word. */
function nameTwice(text: string): string | null {
  const names = new Set<string>()
  let depth = 0
  for (const [token, name] of text.matchAll(/[{}[\]]|("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"/g)) {
    if (token === '{' || token === '[') depth += 1
    else if (token === '}' || token === ']') depth -= 1
    else if (depth === 1 && name !== undefined) {
      const written = name.includes('\\') ? String(JSON.parse(name)) : name.slice(1, -1)
      if (names.has(written)) return written
      names.add(written)
    }
  }
  return null
}
