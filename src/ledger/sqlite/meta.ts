import { eq } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import { meta } from './schema.ts'

type MetaKey = 'ledger-id' | 'secret' | 'pins-refreshed-at'

export function readMeta(db: BetterSQLite3Database, key: MetaKey): string | null {
  return db.select({ value: meta.value }).from(meta).where(eq(meta.key, key)).get()?.value ?? null
}

export function writeMeta(db: BetterSQLite3Database, key: MetaKey, value: string): void {
  db.insert(meta).values({ key, value }).onConflictDoUpdate({ target: meta.key, set: { value } }).run()
}
