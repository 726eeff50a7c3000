import { desc, eq } from 'drizzle-orm'
import type { SuppressionBook } from '../ledger.ts'
import { appendAudit } from './audit.ts'
import type { Connection } from './connection.ts'
import { among } from './json-list.ts'
import { suppression } from './schema.ts'

export function sqliteSuppressions(connection: Connection, recipientKey: (address: string) => string): SuppressionBook {
  const { db } = connection
  const ofAddress = (address: string) => eq(suppression.recipientKey, recipientKey(address))
  return {
    add: (address, by) =>
      connection.write(() => {
        const key = recipientKey(address)
        const row = { recipientKey: key, address, ...by, since: connection.now() }
        const { changes } = db.insert(suppression).values(row).onConflictDoNothing().run()
        if (changes > 0) appendAudit(db, connection.now(), { by, action: 'suppression.add', subject: key })
        return changes > 0
      }),

    remove: (address, by) =>
      connection.write(() => {
        const { changes } = db.delete(suppression).where(ofAddress(address)).run()
        if (changes > 0) {
          appendAudit(db, connection.now(), { by, action: 'suppression.remove', subject: recipientKey(address) })
        }
        return changes > 0
      }),

    list: (limit) =>
      connection.read(() =>
        db
          .select(columns)
          .from(suppression)
          .orderBy(desc(suppression.since), suppression.recipientKey)
          .limit(limit)
          .all(),
      ),
  }
}

/** Those of the recipients to whom no mail is to go. */
export function suppressedAmong({ db }: Connection, recipientKeys: readonly string[]): Set<string> {
  const rows = db
    .select({ recipientKey: suppression.recipientKey })
    .from(suppression)
    .where(among(suppression.recipientKey, recipientKeys))
    .all()
  return new Set(rows.map((row) => row.recipientKey))
}

const columns = {
  address: suppression.address,
  actor: suppression.actor,
  reason: suppression.reason,
  since: suppression.since,
}
