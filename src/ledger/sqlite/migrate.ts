import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { ForewarnError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import { ulid } from '#core/ulid.ts'
import { claimProtocol, everything } from '../ledger.ts'
import { appendAudit } from './audit.ts'
import type { Connection } from './connection.ts'
import { writeMeta } from './meta.ts'
import { gate, pace } from './schema.ts'

const migrationsFolder = fileURLToPath(new URL('migrations', import.meta.url))

/**
 * Applies the migrations that a ledger lacks and fills a new one, in one commit: of two processes that do it at the same time,
 * the second finds it done. drizzle's own migrator reads before it locks, and would apply them twice; the records are its own.
 * Throws ForewarnError `ledger-newer`.
 */
export async function bringUpToDate(connection: Connection, file: string): Promise<void> {
  const migrations = readMigrationFiles({ migrationsFolder })
  const newest = migrations.at(-1)?.folderMillis ?? 0
  // What is up to date is opened without a write, so that starting never waits for a lock.
  if ((await connection.read(() => lastApplied(connection.db))) === newest) return

  await connection.write(() => {
    const { db } = connection
    const last = lastApplied(db)
    if (last !== null && last > newest) throw newer(file)
    db.run(
      sql`create table if not exists __drizzle_migrations (id integer primary key, hash text not null, created_at numeric)`,
    )
    for (const migration of migrations) {
      if (last !== null && migration.folderMillis <= last) continue
      for (const statement of migration.sql) db.run(sql.raw(statement))
      db.run(
        sql`insert into __drizzle_migrations (hash, created_at) values (${migration.hash}, ${migration.folderMillis})`,
      )
    }
    if (last === null) fill(db, connection.now())
  })
}

/** When the last migration that this ledger has was written; null: it has none. */
function lastApplied(db: BetterSQLite3Database): number | null {
  const table = db.get(sql`select 1 from sqlite_master where type = 'table' and name = '__drizzle_migrations'`)
  if (table === undefined) return null
  return db.get<{ last: number | null }>(sql`select max(created_at) as last from __drizzle_migrations`).last
}

/** What every new ledger holds: its id and secret, sending allowed, the pace of nobody yet, and the first line of its audit. */
function fill(db: BetterSQLite3Database, at: Instant): void {
  const ledgerId = ulid(at, randomBytes(10))
  const by = { actor: 'forewarn', reason: 'new ledger' }
  writeMeta(db, 'ledger-id', ledgerId)
  writeMeta(db, 'secret', randomBytes(32).toString('hex'))
  db.insert(gate)
    .values({ scope: everything, state: 'on', epoch: 0, ...by, since: at, claimProtocol })
    .run()
  db.insert(pace).values({ id: 1, nextSlotAt: 0, unansweredInARow: 0 }).run()
  appendAudit(db, at, { by, action: 'ledger.create', subject: ledgerId })
}

function newer(file: string): ForewarnError {
  return new ForewarnError('ledger-newer', `the ledger ${file} was written by a newer version of forewarn`, {
    hint: 'run the newer version; an older one can still stop everything: forewarn switch off',
  })
}
