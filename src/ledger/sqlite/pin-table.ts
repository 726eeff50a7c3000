import { and, asc, eq, getTableColumns, gt, gte, lt, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { recipientForm } from '#core/address.ts'
import type { PinTable } from '#pins/pins.ts'
import type { Connection } from './connection.ts'
import { among } from './json-list.ts'
import { readMeta, writeMeta } from './meta.ts'
import { prepared } from './prepared.ts'
import { pin } from './schema.ts'

const mostOfAddress = 1_000

/** The built-in PIN source: the ledger's own table, which imports fill. */
export function sqlitePinTable(connection: Connection): PinTable {
  const { db } = connection
  const upsert = prepared(() => prepareUpsert(connection))
  return {
    page: (query, after, limit) =>
      connection.read(() =>
        db
          .select()
          .from(pin)
          .where(
            and(
              eq(pin.kind, query.kind),
              gte(pin.expiresAt, query.fromAt),
              lt(pin.expiresAt, query.toAt),
              query.accounts === null ? undefined : among(pin.accountId, query.accounts),
              after === null ? undefined : sql`(${pin.expiresAt}, ${pin.pinId}) > (${after.expiresAt}, ${after.pinId})`,
            ),
          )
          .orderBy(asc(pin.expiresAt), asc(pin.pinId))
          .limit(limit)
          .all(),
      ),
    read: (pinIds) =>
      connection.read(() => {
        const rows = db.select().from(pin).where(among(pin.pinId, pinIds)).all()
        return new Map(rows.map((row) => [row.pinId, row]))
      }),
    ofAddress: (address) =>
      connection.read(() =>
        db
          .select()
          .from(pin)
          // No index: it would slow down every import for a question that is seldom asked.
          .where(sql`lower(${pin.email}) = ${recipientForm(address)}`)
          .orderBy(asc(pin.expiresAt), asc(pin.pinId))
          .limit(mostOfAddress)
          .all(),
      ),
    async upsert(pins) {
      await connection.write(() => {
        const one = upsert()
        for (const row of pins) one.run({ ...row })
      })
    },
    ids: (after, limit) =>
      connection.read(() =>
        db
          .select({ pinId: pin.pinId })
          .from(pin)
          .where(after === null ? undefined : gt(pin.pinId, after))
          .orderBy(asc(pin.pinId))
          .limit(limit)
          // Bare, since there may be millions.
          .values()
          .map(([pinId]) => String(pinId)),
      ),
    remove: (pinIds) => connection.write(() => db.delete(pin).where(among(pin.pinId, pinIds)).run().changes),
    refreshedAt: () =>
      connection.read(() => {
        const text = readMeta(db, 'pins-refreshed-at')
        if (text !== null) return Number(text)
        // Rows of an import that never came to its end were never fresh.
        return db.select({ pinId: pin.pinId }).from(pin).limit(1).get() === undefined ? null : 0
      }),
    async markRefreshed(at) {
      await connection.write(() => {
        // Of two imports that overlap, the later beginning counts.
        const before = Number(readMeta(db, 'pins-refreshed-at') ?? 0)
        writeMeta(db, 'pins-refreshed-at', String(Math.max(before, at)))
      })
    },
  }
}

function prepareUpsert({ db }: Connection) {
  const columns = Object.entries(getTableColumns(pin))
  const given = columns.map(([name]) => [name, sql.placeholder(name)])
  const replaced = columns.map(([name, column]) => [name, excluded(column)])
  const own = columns.map(([, column]) => column)
  return (
    db
      .insert(pin)
      .values(Object.fromEntries(given) as Record<keyof typeof pin.$inferSelect, Placeholder>)
      // Most PINs of a daily import are as they were: to write them anew would cost more than all the rest.
      .onConflictDoUpdate({
        target: pin.pinId,
        set: Object.fromEntries(replaced) as Record<string, SQL>,
        setWhere: sql`(${sql.join(own, sql`, `)}) is not (${sql.join(own.map(excluded), sql`, `)})`,
      })
      .prepare()
  )
}

/** The value that an insert would have written, had the row not been there. */
function excluded(column: SQLiteColumn): SQL {
  return sql.raw(`excluded.${column.name}`)
}
