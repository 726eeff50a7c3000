import { isUtf8 } from 'node:buffer'
import { ForewarnError } from '#core/errors.ts'
import type { RowProblem } from './row.ts'

/** The longest record that is read; a longer one is rejected without holding more of it than this. */
export const maxRecordBytes = 64 * 1024

/** A line of a file, without its end (`\n` or `\r\n`). */
export interface Line {
  /** as an editor counts, from 1 */
  readonly number: number
  readonly bytes: Buffer
  /** Longer than `maxRecordBytes`: `bytes` is only its beginning. */
  readonly cut: boolean
}

/**
 * Splits a stream of text into lines, as many at a time as have arrived. A byte-order mark is skipped. Throws `input-unreadable`
 * when there is no text, or what begins like another kind of file.
 */
export async function* readTextLines(chunks: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Line[]> {
  let empty = true
  for await (const lines of splitLines(chunks)) {
    const [first] = lines
    if (first?.number === 1) refuseOtherKinds(first, file)
    empty &&= lines.every((line) => line.bytes.length === 0)
    yield lines
  }
  if (empty) throw unreadable(file, `${file} is empty.`, 'Check that the export ended well.')
}

async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line[]> {
  const assembly = new LineAssembly()
  for await (const chunk of chunks) {
    const lines = assembly.take(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    if (lines.length > 0) yield lines
  }
  const last = assembly.end()
  if (last !== null) yield [last]
}

const unpack = 'Unpack it first.'
const spreadsheet = 'Unpack it; of a spreadsheet export one sheet as CSV in UTF-8.'
const saveAsUtf8 = 'Save it as UTF-8.'

/** How files begin that people give by mistake. */
const otherKinds: readonly { readonly begins: string; readonly kind: string; readonly hint: string }[] = [
  { begins: '\x1f\x8b', kind: 'compressed with gzip', hint: unpack },
  { begins: 'BZh', kind: 'compressed with bzip2', hint: unpack },
  { begins: '\xfd7zXZ', kind: 'compressed with xz', hint: unpack },
  { begins: '\x28\xb5\x2f\xfd', kind: 'compressed with zstd', hint: unpack },
  { begins: 'PK\x03\x04', kind: 'a zip archive or a spreadsheet', hint: spreadsheet },
  { begins: 'PK\x05\x06', kind: 'a zip archive without any file', hint: 'Check that the export ended well.' },
  { begins: '\xd0\xcf\x11\xe0', kind: 'an old spreadsheet', hint: 'Export one sheet as CSV in UTF-8.' },
  { begins: '\xff\xfe', kind: 'UTF-16', hint: saveAsUtf8 },
  { begins: '\xfe\xff', kind: 'UTF-16', hint: saveAsUtf8 },
  {
    begins: '<',
    kind: 'a web page or XML',
    hint: 'Look into it: an export that needs a sign-in often gives its page.',
  },
]

function refuseOtherKinds({ bytes }: Line, file: string): void {
  const beginning = bytes.toString('latin1', 0, 8)
  const other = otherKinds.find(({ begins }) => beginning.startsWith(begins))
  if (other !== undefined) throw unreadable(file, `${file} is ${other.kind}.`, other.hint)
  // Text in UTF-16 without a mark: one of the first two bytes of an ASCII character is zero.
  if (beginning.slice(0, 2).includes('\0')) throw unreadable(file, `${file} is UTF-16, or no text.`, saveAsUtf8)
  if (bytes.includes(carriageReturn)) {
    const hint = 'Save it with the line ends of Unix or Windows (LF or CRLF).'
    throw unreadable(file, `${file} has lines that end with a carriage return alone.`, hint)
  }
}

function unreadable(file: string, message: string, hint: string): ForewarnError {
  return new ForewarnError('input-unreadable', message, { path: `${file}:1:1`, hint })
}

/** The text of bytes; those that are not UTF-8 are shown as Latin-1, byte by byte, so that they can still be split and named. */
export function textOf(bytes: Buffer): { readonly text: string; readonly utf8: boolean } {
  return isUtf8(bytes) ? { text: bytes.toString('utf8'), utf8: true } : { text: bytes.toString('latin1'), utf8: false }
}

/** Whether a part of a Latin-1 text of `textOf` is UTF-8 all the same: a row of which one cell is bad. */
export function isUtf8Part(latin1: string): boolean {
  return isUtf8(Buffer.from(latin1, 'latin1'))
}

/** The problem of a record, here shown by its beginning, that is longer than `maxRecordBytes`. */
export function tooLong(beginning: Buffer): RowProblem {
  return { column: null, value: beginning.toString('utf8'), reason: `is longer than ${maxRecordBytes / 1024} KiB` }
}

export const notUtf8 = 'is not UTF-8; the file seems to be saved in another encoding'

const lineFeed = 0x0a
const carriageReturn = 0x0d
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

/** Holds the line that has begun but not ended, never more of it than `maxRecordBytes` and one chunk. */
class LineAssembly {
  #number = 0
  #pieces: Buffer[] = []
  #held = 0

  take(chunk: Buffer): Line[] {
    const lines: Line[] = []
    let from = 0
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
      this.#hold(chunk.subarray(from, end))
      lines.push(this.#complete())
      from = end + 1
    }
    this.#hold(chunk.subarray(from))
    return lines
  }

  /** The last line, when nothing ends it. */
  end(): Line | null {
    return this.#held > 0 ? this.#complete() : null
  }

  #hold(piece: Buffer): void {
    // Two bytes more than the longest line, for a carriage return and to see that a line is longer.
    const kept = piece.subarray(0, maxRecordBytes + 2 - this.#held)
    if (kept.length > 0) this.#pieces.push(kept)
    this.#held += kept.length
  }

  #complete(): Line {
    const [only] = this.#pieces
    let bytes = this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#held = 0
    this.#number += 1

    if (bytes.at(-1) === carriageReturn) bytes = bytes.subarray(0, -1)
    if (this.#number === 1 && bytes.subarray(0, 3).equals(byteOrderMark)) bytes = bytes.subarray(3)
    const cut = bytes.length > maxRecordBytes
    return { number: this.#number, bytes: cut ? bytes.subarray(0, maxRecordBytes) : bytes, cut }
  }
}
