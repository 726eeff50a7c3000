import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Database } from './connection.ts'

/** `column = any(…)` for a list of any length with one parameter. */
export function among(column: PgColumn, list: readonly (string | number)[]): SQL {
  return sql`${column} = any(${arrayOf(column, list)})`
}

type Name<T extends PgTable> = keyof T['$inferInsert'] & string

/**
 * Rows as a table named `given` that a statement can join, of these columns of a table of ours: one parameter per column, so
 * that a statement is the same for any number of rows.
 */
export function givenRows<T extends PgTable, N extends Name<T>>(
  table: T,
  names: readonly N[],
  rows: readonly Pick<T['$inferInsert'], N>[],
): SQL {
  const columns = columnsOf(table, names)
  const arrays = columns.map((column, index) =>
    arrayOf(
      column,
      rows.map((row) => row[names[index] as N]),
    ),
  )
  return sql`unnest(${sql.join(arrays, sql`, `)}) as given(${namesOf(columns)})`
}

/** A column of the rows given. */
export function given(column: PgColumn): SQL {
  return sql`given.${sql.identifier(column.name)}`
}

/** Inserts rows of any number; `then` follows in the statement. How many were written. */
export async function insertRows<T extends PgTable, N extends Name<T>>(
  db: Database,
  table: T,
  names: readonly N[],
  rows: readonly Pick<T['$inferInsert'], N>[],
  then: SQL = sql``,
): Promise<number> {
  if (rows.length === 0) return 0
  return (await db.execute(sql`${insertion(table, names, rows)} ${then}`)).rowCount ?? 0
}

/** As `insertRows`; gives columns of the rows that were written. */
export async function insertReturning<T extends PgTable, N extends Name<T>, R extends Name<T>>(
  db: Database,
  table: T,
  names: readonly N[],
  rows: readonly Pick<T['$inferInsert'], N>[],
  returned: readonly R[],
  then: SQL = sql``,
): Promise<Pick<T['$inferSelect'], R>[]> {
  if (rows.length === 0) return []
  const columns = columnsOf(table, returned)
  const answer = await db.execute(sql`${insertion(table, names, rows)} ${then} returning ${namesOf(columns)}`)
  return answer.rows.map((row) => {
    const members = columns.map((column, index) => {
      const value = row[column.name]
      return [returned[index], value === null ? null : column.mapFromDriverValue(value)]
    })
    return Object.fromEntries(members) as Pick<T['$inferSelect'], R>
  })
}

function insertion<T extends PgTable, N extends Name<T>>(
  table: T,
  names: readonly N[],
  rows: readonly Pick<T['$inferInsert'], N>[],
): SQL {
  const columns = namesOf(columnsOf(table, names))
  return sql`insert into ${table} (${columns}) select ${columns} from ${givenRows(table, names, rows)}`
}

function columnsOf(table: PgTable, names: readonly string[]): PgColumn[] {
  const columns = getTableColumns(table)
  return names.map((name) => columns[name] as PgColumn)
}

function namesOf(columns: readonly PgColumn[]): SQL {
  return sql.join(
    columns.map((column) => sql.identifier(column.name)),
    sql`, `,
  )
}

function arrayOf(column: PgColumn, values: readonly unknown[]): SQL {
  const type = sql.raw(column.getSQLType().replace(/ collate .*/, ''))
  return sql`${sql.param(values)}::${type}[]`
}
