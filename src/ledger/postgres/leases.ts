import { and, eq, gt, sql } from 'drizzle-orm'
import type { LeaseBook } from '../ledger.ts'
import type { Connection } from './connection.ts'
import { lease } from './schema.ts'

export function postgresLeases(connection: Connection): LeaseBook {
  return {
    acquire: (name, holder, forMs) =>
      connection.write(async (db) => {
        const now = await connection.now(db)
        const untilAt = now + forMs
        const { rowCount } = await db
          .insert(lease)
          .values({ name, holder, untilAt })
          .onConflictDoUpdate({
            target: lease.name,
            set: { holder, untilAt },
            setWhere: sql`${lease.holder} = ${holder} or ${lease.untilAt} <= ${now}`,
          })
        return rowCount === 1
      }),
    holder: (name) =>
      connection.read(async (db) => {
        const held = and(eq(lease.name, name), gt(lease.untilAt, await connection.now(db)))
        const [found] = await db.select({ holder: lease.holder }).from(lease).where(held)
        return found?.holder ?? null
      }),
    async release(name, holder) {
      await connection.write((db) => db.delete(lease).where(and(eq(lease.name, name), eq(lease.holder, holder))))
    },
  }
}
