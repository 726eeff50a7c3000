import type { FileRecord } from './file-record.ts'
import type { PinTable } from './pins.ts'

/** Each id touches pages all over a large table, and a stop must not wait for long. */
const pageRows = 250
/** No file holds more, hence no table does. */
const maxHeld = 10_000_000

/** The PINs that a table held at one moment, less those that a file names. What arrives in the table later is none of them. */
export class AbsentPins {
  readonly #ids: Set<string>
  /** How many the table held. */
  readonly held: number
  #nameless = 0

  /** All PINs of the table as it is now. In one page: what arrives between two pages would count as held. */
  static async of(table: PinTable): Promise<AbsentPins> {
    return new AbsentPins(new Set(await table.ids(null, maxHeld)))
  }

  constructor(ids: Set<string>) {
    this.#ids = ids
    this.held = ids.size
  }

  get count(): number {
    return this.#ids.size
  }

  /** Unreadable rows in which no PIN that the table held was found: whose they are, nobody can tell. */
  get nameless(): number {
    return this.#nameless
  }

  /** Takes out whom the record names. Of one that cannot be read whole, whatever in it could be an id counts. */
  strike(record: FileRecord): void {
    if ('problem' in record) {
      const before = this.#ids.size
      this.#strikeWords(record.text)
      if (this.#ids.size === before) this.#nameless += 1
      return
    }
    const id = record.cells.pin_id ?? ''
    this.#ids.delete(id)
    if (id !== id.trim()) this.#ids.delete(id.trim())
    if (record.joined !== undefined) this.#strikeWords(record.joined)
  }

  *pages(): Generator<string[]> {
    let page: string[] = []
    for (const id of this.#ids) {
      page.push(id)
      if (page.length < pageRows) continue
      yield page
      page = []
    }
    if (page.length > 0) yield page
  }

  #strikeWords(text: string): void {
    // Ids may hold spaces and colons; in JSON they stand between quotes, or are bare numbers.
    for (const separator of [/[,"\r\n]+/, /[\s,;:"{}[\]]+/]) {
      for (const word of text.split(separator)) this.#ids.delete(word.trim())
    }
  }
}
