import { and, asc, eq, getTableColumns, gt, gte, lt, type SQL, sql } from 'drizzle-orm'
import { recipientForm } from '#core/address.ts'
import type { PinTable } from '#pins/pins.ts'
import type { Connection } from './connection.ts'
import { among, insertRows } from './given-rows.ts'
import { readMeta, writeMeta } from './meta.ts'
import { pin } from './schema.ts'

const mostOfAddress = 1_000

/** The built-in PIN source: the ledger's own table, which imports fill. */
export function postgresPinTable(connection: Connection): PinTable {
  return {
    page: (query, after, limit) =>
      connection.read((db) =>
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
          .limit(limit),
      ),
    read: (pinIds) =>
      connection.read(async (db) => {
        const rows = await db.select().from(pin).where(among(pin.pinId, pinIds))
        return new Map(rows.map((row) => [row.pinId, row]))
      }),
    ofAddress: (address) =>
      connection.read((db) =>
        db
          .select()
          .from(pin)
          // No index: it would slow down every import for a question that is seldom asked.
          .where(sql`lower(${pin.email}) = ${recipientForm(address)}`)
          .orderBy(asc(pin.expiresAt), asc(pin.pinId))
          .limit(mostOfAddress),
      ),
    async upsert(pins) {
      // By id, so that two imports never wait for each other; of an id twice the later row counts, as if written one by one.
      const rows = [...new Map(pins.map((row) => [row.pinId, row])).values()].sort(byId)
      await connection.write((db) => insertRows(db, pin, columnNames, rows, replacing))
    },
    ids: (after, limit) =>
      connection.read(async (db) => {
        const later = after === null ? undefined : gt(pin.pinId, after)
        const rows = await db.select({ pinId: pin.pinId }).from(pin).where(later).orderBy(asc(pin.pinId)).limit(limit)
        return rows.map(({ pinId }) => pinId)
      }),
    remove: (pinIds) =>
      connection.write(async (db) => (await db.delete(pin).where(among(pin.pinId, pinIds))).rowCount ?? 0),
    refreshedAt: () =>
      connection.read(async (db) => {
        const text = await readMeta(db, 'pins-refreshed-at')
        if (text !== null) return Number(text)
        // Rows of an import that never came to its end were never fresh.
        const [any] = await db.select({ pinId: pin.pinId }).from(pin).limit(1)
        return any === undefined ? null : 0
      }),
    async markRefreshed(at) {
      await connection.write(
        async (db) => {
          // Of two imports that overlap, the later beginning counts.
          const before = Number((await readMeta(db, 'pins-refreshed-at')) ?? 0)
          await writeMeta(db, 'pins-refreshed-at', String(Math.max(before, at)))
        },
        { lock: { name: 'pins-refreshed-at', shared: false }, limitMs: 10_000 },
      )
    },
  }
}

const columns = Object.entries(getTableColumns(pin))
const columnNames = columns.map(([name]) => name) as (keyof typeof pin.$inferSelect)[]

/** Follows an insert: a row that is there takes the values that would have been written. */
const replacing: SQL = sql`on conflict (${sql.identifier(pin.pinId.name)}) do update set ${sql.join(
  columns.map(([, { name }]) => sql`${sql.identifier(name)} = excluded.${sql.identifier(name)}`),
  sql`, `,
)}`

function byId(one: { pinId: string }, other: { pinId: string }): number {
  return one.pinId < other.pinId ? -1 : 1
}
