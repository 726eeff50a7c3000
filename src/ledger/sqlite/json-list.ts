import { type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'

/**
 * `column in (…)` for a list of any length with one parameter: the statement's text stays the same, so that it can be prepared.
 * Under a placeholder the list is given as JSON.
 */
export function among(column: SQLiteColumn, list: readonly string[] | Placeholder): SQL {
  const json = Array.isArray(list) ? JSON.stringify(list) : list
  return sql`${column} in (select value from json_each(${json}))`
}
