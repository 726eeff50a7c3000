import { ForewarnError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import type { PinCursor, PinQuery } from './pins.ts'
import type { PinColumn, PinRecord } from './row.ts'

/** A portal's database, opened for reading. What it is asked throws ForewarnError `portal-unusable`, also when it only took too long. */
export interface PortalDatabase {
  /** To be shown: no password. */
  readonly shown: string
  /** The columns of a relation; null: there is no table or view of this name. */
  columns(relation: RelationName): Promise<readonly FoundColumn[] | null>
  /** The statements on a relation whose columns have been found to do. */
  statements(relation: RelationName, columns: readonly KnownColumn[]): PortalStatements
  /** May be called twice. */
  close(): Promise<void>
}

export interface FoundColumn {
  readonly name: string
  /** As the database calls it. */
  readonly type: string
  /** What keeps it from being read as the column of this name: "is …". null: nothing does, or forewarn has no such column. */
  readonly flaw: string | null
}

/** A column that is read. */
export interface KnownColumn {
  readonly name: PinColumn
  readonly type: string
}

/** What is asked of a relation. Cells are text or null, instants in ISO 8601. */
export interface PortalStatements {
  /**
   * Where rows stand: at most `limit` after a place and before an instant, in order of expiry (cut to milliseconds), then id by
   * its bytes. Rows whose id is blank or whose expiry has no place in time are not among them.
   */
  keys(which: Selection, after: PinCursor, untilAt: Instant, limit: number): Promise<PinCursor[]>
  /** Rows that `keys` never gives: without an id, or without an expiry that has a place in time. At most `limit`. */
  unplaced(query: PinQuery, limit: number): Promise<PinRecord[]>
  /** All rows with these ids, in any order. At most 1,000 ids. */
  rows(pinIds: readonly string[]): Promise<PinRecord[]>
  /** Ids of at most `limit` rows whose address may be this one, which is in lower case. */
  idsOfAddress(address: string, limit: number): Promise<string[]>
  /** Any rows whose expiry shows how instants are written. */
  sample(limit: number): Promise<PinRecord[]>
}

/** Which rows a scan wants; blanks around kind and account do not count here. */
export type Selection = Pick<PinQuery, 'kind' | 'accounts'>

/** The name of a table or view. */
export interface RelationName {
  readonly schema: string | null
  readonly name: string
  /** As it was written. */
  readonly shown: string
  /** For a statement. */
  readonly quoted: string
}

/** Reads `NAME` or `SCHEMA.NAME`, each of letters, digits and `_`. Throws ForewarnError `settings-invalid`. */
export function parseRelation(text: string): RelationName {
  const parts = text.split('.')
  // Quotes would be doubled if there were any: that there are none is checked here all the same, and not only with the settings.
  const [first = '', second, third] = parts
  if (third !== undefined || !parts.every((part) => /^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(part))) {
    throw new ForewarnError('settings-invalid', 'portal.relation is not the name of a table or view', {
      path: 'portal.relation',
      hint: 'a name of letters, digits and _, or SCHEMA.NAME',
    })
  }
  const [schema, name] = second === undefined ? [null, first] : [first, second]
  return { schema, name, shown: text, quoted: parts.map((part) => `"${part}"`).join('.') }
}
