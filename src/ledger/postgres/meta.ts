import { eq } from 'drizzle-orm'
import type { Database } from './connection.ts'
import { meta } from './schema.ts'

type MetaKey = 'ledger-id' | 'secret' | 'pins-refreshed-at'

export async function readMeta(db: Database, key: MetaKey): Promise<string | null> {
  const [found] = await db.select({ value: meta.value }).from(meta).where(eq(meta.key, key))
  return found?.value ?? null
}

export async function writeMeta(db: Database, key: MetaKey, value: string): Promise<void> {
  await db.insert(meta).values({ key, value }).onConflictDoUpdate({ target: meta.key, set: { value } })
}
