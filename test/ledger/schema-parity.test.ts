import { getTableColumns, is, type SQL } from 'drizzle-orm'
import { PgDialect, PgTable, getTableConfig as postgresConfig } from 'drizzle-orm/pg-core'
import { SQLiteSyncDialect, SQLiteTable, getTableConfig as sqliteConfig } from 'drizzle-orm/sqlite-core'
import { describe, expect, it } from 'vitest'
import * as postgres from '#ledger/postgres/schema.ts'
import * as sqlite from '#ledger/sqlite/schema.ts'

// ---------------------------------------------------------------- by the compiler, with `tsc`

// Both schemas have the same tables, and these the same columns, under the same names in the database, with the same types and the same
// nullability. Where they differ, a line below does not compile.

interface Table {
  readonly _: {
    readonly name: string
    readonly columns: Record<string, { readonly _: { readonly name: string; readonly notNull: boolean } }>
  }
  readonly $inferSelect: object
}

/** What SQLite keeps by itself, in `sqlite_sequence`. */
const onlyPostgres = 'auditEnd'

/** Each column's name in the database and whether it may be null, and the types of a row, under the tables' names. */
type Shapes<Schema> = {
  [Name in keyof Schema]: Schema[Name] extends Table
    ? {
        readonly name: Schema[Name]['_']['name']
        readonly columns: {
          [Column in keyof Schema[Name]['_']['columns']]: [
            Schema[Name]['_']['columns'][Column]['_']['name'],
            Schema[Name]['_']['columns'][Column]['_']['notNull'],
          ]
        }
        readonly row: Schema[Name]['$inferSelect']
      }
    : never
}

type SqliteShapes = Shapes<typeof sqlite>
type PostgresShapes = Shapes<Omit<typeof postgres, typeof onlyPostgres>>

/** Equal in both directions, so that neither may be wider. */
type Equal<One, Other> = (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false

/** Names of tables that are not the same in both. */
type Differing = {
  [Name in Extract<keyof SqliteShapes, keyof PostgresShapes>]: Equal<
    SqliteShapes[Name],
    PostgresShapes[Name]
  > extends true
    ? never
    : Name
}[Extract<keyof SqliteShapes, keyof PostgresShapes>]

type SameTables = Equal<keyof SqliteShapes, keyof PostgresShapes>
type SameColumns = Equal<Differing, never>
/** Something was compared: of an empty comparison nothing would follow. */
type Compared = Equal<SqliteShapes['message']['columns']['doubtSince'], ['doubt_since_database_at', false]>

const provenByTheCompiler: readonly [SameTables, SameColumns, Compared] = [true, true, true]

// ---------------------------------------------------------------- what types do not tell

describe('the schemas of SQLite and PostgreSQL', () => {
  it('have the same tables and columns', () => {
    expect(provenByTheCompiler).toEqual([true, true, true])
  })

  it('have the same keys and indexes', () => {
    const tables = Object.values(sqlite).filter((one) => is(one, SQLiteTable))
    const sqliteKeys = tables.map((table) => keysOf(table, sqliteConfig(table), new SQLiteSyncDialect()))
    const others = Object.entries(postgres).flatMap(([name, one]) => (name !== onlyPostgres ? [one] : []))
    const postgresKeys = others
      .filter((one) => is(one, PgTable))
      .map((table) => keysOf(table, postgresConfig(table), new PgDialect()))

    expect(sqliteKeys.length).toBeGreaterThanOrEqual(15)
    expect(postgresKeys).toEqual(sqliteKeys)
  })
})

interface Keys {
  readonly name: string
  readonly primaryKeys: readonly { readonly columns: readonly { readonly name: string }[] }[]
  readonly indexes: readonly {
    readonly config: {
      readonly name?: string | undefined
      readonly unique: boolean
      readonly columns: readonly object[]
      readonly where?: SQL | undefined
    }
  }[]
}

function keysOf(table: SQLiteTable | PgTable, { name, primaryKeys, indexes }: Keys, dialect: Dialect): object {
  const columns = Object.values(getTableColumns(table)) as { name: string; primary: boolean }[]
  return {
    name,
    key: [...columns.filter((column) => column.primary), ...primaryKeys.flatMap((key) => key.columns)].map(nameOf),
    indexes: indexes.map(({ config }) => ({
      name: config.name,
      unique: config.unique,
      columns: config.columns.map(nameOf),
      where: config.where && dialect.sqlToQuery(config.where).sql,
    })),
  }
}

interface Dialect {
  sqlToQuery(statement: SQL): { readonly sql: string }
}

function nameOf(column: object): unknown {
  return 'name' in column ? column.name : null
}
