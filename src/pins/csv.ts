import { ForewarnError } from '#core/errors.ts'
import { type Row, RowAssembly } from './csv-rows.ts'
import type { FileReading, FileRecord } from './file-record.ts'
import { isUtf8Part, type Line, notUtf8 } from './lines.ts'
import { type PinColumn, type PinRecord, pinColumns, requiredColumns } from './row.ts'

/**
 * Reads CSV by RFC 4180: commas, double quotes, a header. Blank lines are skipped. A record that cannot be read is given as a
 * problem, and reading goes on with the line after the one where the trouble began. Throws `input-unreadable` for a header that
 * cannot be used.
 *
 * Own code, since csv-parse 7 loses rows without a word: those that an unclosed quote has swallowed, and all that follow a
 * record beyond its limit. It also counts a CRLF inside of quotes as two lines.
 */
export async function* readCsv(lines: AsyncIterable<Line[]>, reading: FileReading): AsyncGenerator<FileRecord[]> {
  const assembly = new RowAssembly()
  let header: Header | null = null

  for await (const rows of rowsOf(lines, assembly)) {
    const [first] = rows
    if (first === undefined) continue
    if (header === null) {
      header = readHeader(first, reading)
      rows.shift()
    }
    const columns = header
    yield rows.map((row) => recordOf(row, columns))
  }
}

async function* rowsOf(lines: AsyncIterable<Line[]>, assembly: RowAssembly): AsyncGenerator<Row[]> {
  for await (const batch of lines) yield assembly.take(batch)
  yield assembly.end()
}

interface Header {
  readonly names: readonly string[]
  readonly places: readonly (readonly [PinColumn, number])[]
}

function readHeader(row: Row, { file, onUnknownColumn }: FileReading): Header {
  const unusable = (message: string, column: string, hint: string): ForewarnError =>
    new ForewarnError('input-unreadable', message, { path: `${file}:${row.line}:${column}`, hint })
  const expected = `The first line must name the columns, separated by commas: ${requiredColumns.join(',')} and any of ${pinColumns.slice(requiredColumns.length).join(',')}.`

  const start = row.flaw?.text ?? row.cells.join(',')
  if (/^\s*[[{]/.test(start)) throw unusable(`${file} is JSON.`, '1', 'Give --format ndjson: one JSON object per line.')
  const other = otherSeparator(start)
  if (other !== null) throw unusable(`The cells are separated by ${other}, not by commas.`, '1', expected)
  if (row.flaw !== null) throw unusable(`The header ${row.flaw.reason}.`, `${(row.flaw.place ?? 0) + 1}`, expected)
  if (!row.utf8) throw unusable(`The header ${notUtf8}.`, '1', 'Save the file as UTF-8.')

  const names = row.cells.map((name) => name.trim())
  const places: [PinColumn, number][] = []
  for (const [place, name] of names.entries()) {
    const column = pinColumns.find((known) => known === name)
    if (column === undefined) onUnknownColumn(nameOf(names, place))
    else if (names.indexOf(name) < place) throw unusable(`The header names ${name} twice.`, name, expected)
    else places.push([column, place])
  }
  const missing = requiredColumns.filter((column) => !names.includes(column))
  const [firstMissing] = missing
  if (firstMissing !== undefined) {
    const alike = names.find((name) => name.toLowerCase().replaceAll(/[ -]/g, '_') === firstMissing)
    const but = alike === undefined ? '' : `, but has ${alike}`
    throw unusable(`The header lacks ${missing.join(', ')}${but}.`, firstMissing, expected)
  }
  return { names, places }
}

const separators = [
  [';', 'semicolons'],
  ['\t', 'tabs'],
  ['|', 'vertical bars'],
] as const

/** What stands between two names of columns, if it is not a comma. */
function otherSeparator(header: string): string | null {
  const found = separators.find(([separator]) => {
    const names = header.split(separator).map((name) => name.replaceAll('"', '').trim())
    return requiredColumns.filter((column) => names.includes(column)).length > 1
  })
  return found?.[1] ?? null
}

function nameOf(names: readonly string[], place: number): string {
  return names[place] || `column ${place + 1}`
}

function recordOf(row: Row, { names, places }: Header): FileRecord {
  const { line, cells, flaw } = row
  const problem = (place: number | null, value: string, reason: string, text = cells.join(',')): FileRecord => ({
    line,
    problem: { column: place === null ? null : nameOf(names, place), value, reason },
    text,
  })

  if (flaw !== null) return problem(flaw.place, flaw.value, flaw.reason, flaw.text)
  if (!row.utf8) {
    const place = cells.findIndex((cell) => !isUtf8Part(cell))
    const seen = cells.map((cell) => (isUtf8Part(cell) ? Buffer.from(cell, 'latin1').toString() : cell))
    return problem(place, cells[place] ?? '', notUtf8, seen.join(','))
  }
  if (cells.length !== names.length) {
    const joined = row.lastLine > line ? `, lines ${line} to ${row.lastLine} being joined by quotes` : ''
    const reason = `has ${cells.length} cells${joined}; expected ${names.length}, as in the header`
    return problem(null, cells.join(','), reason)
  }
  const record: PinRecord = {}
  for (const [column, place] of places) record[column] = cells[place] ?? null
  return row.lastLine > line ? { line, cells: record, joined: cells.join(',') } : { line, cells: record }
}
