import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Client } from 'pg'
import { type PinRecord, pinColumns } from '#pins/row.ts'

/** A portal's database: the table `pin_store`, and over it the view `expiring_pins`. */
export interface Stand {
  readonly url: string
  /** The view. */
  readonly relation: string
  put(rows: readonly PinRecord[]): Promise<void>
  /** Runs statements as the portal would. */
  run(sql: string): Promise<void>
  end(): Promise<void>
}

export async function sqliteStand(types: Partial<Record<string, string>> = {}): Promise<Stand> {
  const folder = mkdtempSync(join(tmpdir(), 'forewarn-portal-'))
  const file = join(folder, 'portal.db')
  const db = new Database(file)
  const columns = pinColumns.map((name) => `${name} ${types[name] ?? 'text'}`)
  db.exec(`create table pin_store (${columns.join(', ')}); create view expiring_pins as select * from pin_store`)
  const insert = db.prepare(`insert into pin_store values (${pinColumns.map(() => '?').join(', ')})`)
  return {
    url: `file:${file}`,
    relation: 'expiring_pins',
    put: async (rows) =>
      db.transaction(() => {
        for (const row of rows) insert.run(...pinColumns.map((name) => row[name] ?? null))
      })(),
    run: async (sql) => void db.exec(sql),
    async end() {
      db.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

let stands = 0

/** In a schema of its own on a server that is there. `instants`: the type of `expires_at` and `set_at`. */
export async function postgresStand(
  server: string,
  instants: 'timestamptz' | 'text',
  types: Partial<Record<string, string>> = {},
): Promise<Stand> {
  const schema = `portal_${stands++}`
  const client = new Client(server)
  client.on('error', () => undefined)
  await client.connect()
  const columns = pinColumns.map((name) => {
    return `${name} ${types[name] ?? (name === 'expires_at' || name === 'set_at' ? instants : 'text')}`
  })
  await client.query(`create schema ${schema}; set search_path = ${schema};
    create table pin_store (${columns.join(', ')}); create view expiring_pins as select * from pin_store`)
  return {
    url: server,
    relation: `${schema}.expiring_pins`,
    async put(rows) {
      const text = `insert into pin_store select * from json_populate_recordset(null::pin_store, $1)`
      await client.query(text, [JSON.stringify(rows)])
    },
    run: async (sql) => void (await client.query(sql)),
    end: () => client.end(),
  }
}
