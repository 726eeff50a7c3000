import { type Line, maxRecordBytes, textOf, tooLong } from './lines.ts'

/** A record split into its cells, or into those before the flaw that it has. */
export interface Row {
  readonly line: number
  readonly lastLine: number
  readonly cells: readonly string[]
  readonly utf8: boolean
  readonly flaw: Flaw | null
}

interface Flaw {
  /** The cell, by place; null: the row as a whole. */
  readonly place: number | null
  readonly value: string
  readonly reason: string
  /** All that was read of the record, as far as it is rejected. */
  readonly text: string
}

/** Makes rows of lines, joining those of a quoted cell. Holds the lines of one record, hardly more than `maxRecordBytes`. */
export class RowAssembly {
  #open: Line[] = []
  #bytes = 0
  #quotes = 0

  take(lines: readonly Line[]): Row[] {
    return this.#advance(lines, false)
  }

  end(): Row[] {
    return this.#advance([], true)
  }

  #advance(lines: readonly Line[], ended: boolean): Row[] {
    const rows: Row[] = []
    const stack = lines.toReversed()
    for (;;) {
      const line = stack.pop()
      if (line === undefined && !(ended && this.#open.length > 0)) return rows
      const again = line === undefined ? this.#giveUp(rows, 'has a quote that is never closed') : this.#add(line, rows)
      for (const next of again.toReversed()) stack.push(next)
    }
  }

  /** Takes one line, and gives those that must be taken anew because the record they seemed to belong to was given up. */
  #add(line: Line, rows: Row[]): Line[] {
    const begins = this.#open.length === 0
    if (begins && line.bytes.length === 0) return []
    if (begins && line.cut) {
      rows.push(overlong(line, textOf(line.bytes).text))
      return []
    }
    const quotes = countQuotes(line.bytes)
    if (begins && quotes === 0) {
      rows.push(unquoted(line))
      return []
    }

    this.#open.push(line)
    this.#bytes += line.bytes.length + 1
    this.#quotes += quotes
    if (this.#bytes > maxRecordBytes + 1) {
      return this.#giveUp(rows, `has a quote that is not closed within ${maxRecordBytes / 1024} KiB`)
    }
    // A cell that is open has had an odd number of quotes, so that a record is split anew only when it can have ended.
    if (!begins && this.#quotes % 2 === 1) return []
    const { text, utf8 } = this.#text()
    const split = splitCells(text)
    if (split.flaw === 'open') return []
    if (split.flaw !== null) return this.#giveUp(rows, split.flaw)
    rows.push({ line: this.#firstNumber(), lastLine: line.number, cells: split.cells, utf8, flaw: null })
    this.#clear()
    return []
  }

  /** Rejects the line of the quote that makes the record unreadable, and gives the lines after it, which may be sound. */
  #giveUp(rows: Row[], reasonIfOpen: string): Line[] {
    const { text, utf8 } = this.#text()
    const { cells, flaw, at } = splitCells(text)
    if (flaw === null) {
      rows.push(...this.#open.slice(0, 1).map((line) => overlong(line, text)))
      this.#clear()
      return []
    }
    const before = text.slice(0, at).split('\n').length - 1
    const value = text.slice(at).split('\n', 1).join()
    const reason = flaw === 'open' ? reasonIfOpen : flaw
    const line = this.#firstNumber() + before
    const rejected = `${text.slice(0, at)}${value}`
    rows.push({ line, lastLine: line, cells, utf8, flaw: { place: cells.length, value, reason, text: rejected } })
    const rest = this.#open.slice(before + 1)
    this.#clear()
    return rest
  }

  #text(): { text: string; utf8: boolean } {
    return textOf(
      Buffer.concat(this.#open.flatMap((line, index) => (index === 0 ? [line.bytes] : [newline, line.bytes]))),
    )
  }

  #firstNumber(): number {
    return this.#open[0]?.number ?? 0
  }

  #clear(): void {
    this.#open = []
    this.#bytes = 0
    this.#quotes = 0
  }
}

const quote = 0x22
const newline = Buffer.from('\n')

function unquoted(line: Line): Row {
  const { text, utf8 } = textOf(line.bytes)
  return { line: line.number, lastLine: line.number, cells: text.split(','), utf8, flaw: null }
}

/** The row of a record that begins with this line and is too long; `text` is what was read of it. */
function overlong({ number, bytes }: Line, text: string): Row {
  const { value, reason } = tooLong(bytes)
  return { line: number, lastLine: number, cells: [], utf8: true, flaw: { place: null, value, reason, text } }
}

function countQuotes(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(quote); at >= 0; at = bytes.indexOf(quote, at + 1)) count += 1
  return count
}

/** Splits one record. With a flaw (`open`: the text ends inside of a quoted cell), `at` is where the flawed cell begins. */
function splitCells(text: string): { cells: string[]; flaw: string | null; at: number } {
  const cells: string[] = []
  let at = 0
  for (;;) {
    let end: number
    if (text[at] === '"') {
      end = endOfQuoted(text, at)
      if (end < 0) return { cells, flaw: 'open', at }
      if (end < text.length && text[end] !== ',') {
        return { cells, flaw: 'goes on after its closing quote; a quote inside of a quoted cell is written twice', at }
      }
      cells.push(text.slice(at + 1, end - 1).replaceAll('""', '"'))
    } else {
      const comma = text.indexOf(',', at)
      end = comma < 0 ? text.length : comma
      const cell = text.slice(at, end)
      if (cell.includes('"')) return { cells, flaw: 'has a quote; a cell with quotes must be quoted as a whole', at }
      cells.push(cell)
    }
    if (end >= text.length) return { cells, flaw: null, at }
    at = end + 1
  }
}

/** The place after the closing quote of the cell that begins with a quote at `at`; −1 when there is none. */
function endOfQuoted(text: string, at: number): number {
  let close = text.indexOf('"', at + 1)
  while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2)
  return close < 0 ? -1 : close + 1
}
