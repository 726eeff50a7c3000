import { and, eq, gt, sql } from 'drizzle-orm'
import type { LeaseBook } from '../ledger.ts'
import type { Connection } from './connection.ts'
import { lease } from './schema.ts'

export function sqliteLeases(connection: Connection): LeaseBook {
  const { db } = connection
  return {
    acquire: (name, holder, forMs) =>
      connection.write(() => {
        const now = connection.now()
        const untilAt = now + forMs
        const { changes } = db
          .insert(lease)
          .values({ name, holder, untilAt })
          .onConflictDoUpdate({
            target: lease.name,
            set: { holder, untilAt },
            setWhere: sql`${lease.holder} = ${holder} or ${lease.untilAt} <= ${now}`,
          })
          .run()
        return changes === 1
      }),
    holder: (name) =>
      connection.read(() => {
        const held = and(eq(lease.name, name), gt(lease.untilAt, connection.now()))
        return db.select({ holder: lease.holder }).from(lease).where(held).get()?.holder ?? null
      }),
    async release(name, holder) {
      await connection.write(() => {
        db.delete(lease)
          .where(and(eq(lease.name, name), eq(lease.holder, holder)))
          .run()
      })
    },
  }
}
