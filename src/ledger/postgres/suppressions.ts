import { desc, eq } from 'drizzle-orm'
import type { SuppressionBook } from '../ledger.ts'
import { appendAudit } from './audit.ts'
import type { Connection, Database } from './connection.ts'
import { gateChange } from './gates.ts'
import { among } from './given-rows.ts'
import { suppression } from './schema.ts'

export function postgresSuppressions(
  connection: Connection,
  recipientKey: (address: string) => string,
): SuppressionBook {
  return {
    add: (address, by) =>
      // As a gate: no claim that has not seen it goes through once this has returned.
      connection.write(async (db) => {
        const now = await connection.now(db)
        const key = recipientKey(address)
        const row = { recipientKey: key, address, ...by, since: now }
        const { rowCount } = await db.insert(suppression).values(row).onConflictDoNothing()
        if (rowCount === 0) return false
        await appendAudit(db, now, { by, action: 'suppression.add', subject: key })
        return true
      }, gateChange),

    remove: (address, by) =>
      connection.write(async (db) => {
        const key = recipientKey(address)
        const { rowCount } = await db.delete(suppression).where(eq(suppression.recipientKey, key))
        if (rowCount === 0) return false
        await appendAudit(db, await connection.now(db), { by, action: 'suppression.remove', subject: key })
        return true
      }),

    list: (limit) =>
      connection.read((db) =>
        db.select(columns).from(suppression).orderBy(desc(suppression.since), suppression.recipientKey).limit(limit),
      ),
  }
}

/** Those of the recipients to whom no mail is to go. */
export async function suppressedAmong(db: Database, recipientKeys: readonly string[]): Promise<Set<string>> {
  const rows = await db
    .select({ recipientKey: suppression.recipientKey })
    .from(suppression)
    .where(among(suppression.recipientKey, recipientKeys))
  return new Set(rows.map((row) => row.recipientKey))
}

const columns = {
  address: suppression.address,
  actor: suppression.actor,
  reason: suppression.reason,
  since: suppression.since,
}
