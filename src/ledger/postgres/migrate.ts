import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { ForewarnError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import { ulid } from '#core/ulid.ts'
import { claimProtocol, everything } from '../ledger.ts'
import { appendAudit } from './audit.ts'
import { type Beginning, Connection, type ConnectionOptions, type Database } from './connection.ts'
import { writeMeta } from './meta.ts'
import { gate, pace } from './schema.ts'

const migrationsFolder = fileURLToPath(new URL('migrations', import.meta.url))

/** An index on a large table takes its time. */
const migratingMs = 600_000

/** Of many processes that start at once, one migrates; the others wait, and find it done. */
const migrating: Beginning = { lock: { name: 'migrations', shared: false }, limitMs: migratingMs }

/**
 * Applies the migrations that a ledger lacks and fills a new one, in one commit. drizzle's own migrator takes no lock; the records are
 * its own. Throws ForewarnError `ledger-newer`.
 */
export async function bringUpToDate(connection: Connection, options: ConnectionOptions): Promise<void> {
  const migrations = readMigrationFiles({ migrationsFolder })
  const newest = migrations.at(-1)?.folderMillis ?? 0
  // What is up to date is opened without a lock.
  if ((await connection.read(lastApplied)) === newest) return

  const slow = new Connection({ ...options, answerWithinMs: migratingMs })
  try {
    await slow.write(async (db) => {
      const last = await lastApplied(db)
      if (last !== null && last > newest) throw newer(connection.address)
      await makeSchema(db, connection.schema)
      await db.execute(
        sql`create table if not exists __drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`,
      )
      for (const migration of migrations) {
        if (last !== null && migration.folderMillis <= last) continue
        for (const statement of migration.sql) await db.execute(sql.raw(statement))
        await db.execute(
          sql`insert into __drizzle_migrations (hash, created_at) values (${migration.hash}, ${migration.folderMillis})`,
        )
      }
      if (last === null) await fill(db, await connection.now(db))
    }, migrating)
  } finally {
    await slow.close()
  }
}

/** When the last migration that this ledger has was written; null: it has none. */
async function lastApplied(db: Database): Promise<number | null> {
  const table = sql`select from pg_tables where schemaname = current_schema() and tablename = '__drizzle_migrations'`
  if ((await db.execute(table)).rowCount === 0) return null
  const { rows } = await db.execute<{ last: string | null }>(
    sql`select max(created_at) as last from __drizzle_migrations`,
  )
  const last = rows[0]?.last ?? null
  return last === null ? null : Number(last)
}

/** Asked before it is made: a user who owns the schema need not be allowed to make one. */
async function makeSchema(db: Database, schema: string): Promise<void> {
  const there = await db.execute(sql`select from pg_namespace where nspname = ${schema}`)
  if (there.rowCount === 0) await db.execute(sql`create schema ${sql.identifier(schema)}`)
}

/** What every new ledger holds: its id and secret, sending allowed, the pace of nobody yet, and the first line of its audit. */
async function fill(db: Database, at: Instant): Promise<void> {
  const ledgerId = ulid(at, randomBytes(10))
  const by = { actor: 'forewarn', reason: 'new ledger' }
  await writeMeta(db, 'ledger-id', ledgerId)
  await writeMeta(db, 'secret', randomBytes(32).toString('hex'))
  await db.insert(gate).values({ scope: everything, state: 'on', epoch: 0, ...by, since: at, claimProtocol })
  await db.insert(pace).values({ id: 1, nextSlotAt: 0, unansweredInARow: 0 })
  await appendAudit(db, at, { by, action: 'ledger.create', subject: ledgerId })
}

function newer(address: string): ForewarnError {
  return new ForewarnError('ledger-newer', `the ledger ${address} was written by a newer version of forewarn`, {
    hint: 'run the newer version; an older one can still stop everything: forewarn switch off',
  })
}
