import { asc, desc, gt, sql } from 'drizzle-orm'
import type { Instant } from '#core/instant.ts'
import {
  auditPageRows,
  auditRow,
  type ChainEnd,
  chainBeginning,
  type NewAuditEntry,
  verifyChain,
} from '../audit-chain.ts'
import type { AuditBook } from '../ledger.ts'
import type { Connection, Database } from './connection.ts'
import { audit, auditEnd } from './schema.ts'

export function postgresAudit(connection: Connection): AuditBook {
  return {
    async append(entry) {
      await connection.write(async (db) => appendAudit(db, await connection.now(db), entry))
    },
    list: (limit) => connection.read((db) => db.select().from(audit).orderBy(desc(audit.seq)).limit(limit)),
    verify: () =>
      verifyChain((afterSeq) =>
        connection.read(async (db) => {
          // Before the page, which may hold more by then, but not less.
          const highest = await highestSeq(db)
          const rows = db.select().from(audit).where(gt(audit.seq, afterSeq)).orderBy(asc(audit.seq))
          return { page: await rows.limit(auditPageRows), highest }
        }),
      ),
  }
}

/** Adds an entry to the chain, inside the caller's transaction, which has the chain for itself from here on; gives its hash. */
export async function appendAudit(db: Database, at: Instant, entry: NewAuditEntry): Promise<string> {
  const seq = await takeSeq(db)
  const { hash: previousHash } = await lastAudit(db)
  const row = auditRow(seq, previousHash, at, entry)
  await db.insert(audit).values(row)
  return row.hash
}

/** The end of the chain. */
export async function lastAudit(db: Database): Promise<ChainEnd> {
  const [last] = await db.select({ seq: audit.seq, hash: audit.hash }).from(audit).orderBy(desc(audit.seq)).limit(1)
  return last ?? chainBeginning
}

/** After the highest ever given out: a missing end is never filled up again. The row is locked until the transaction ends. */
async function takeSeq(db: Database): Promise<number> {
  const present = sql<number>`coalesce((select max(${audit.seq}) from ${audit}), 0)`
  const [end] = await db
    .insert(auditEnd)
    .values({ id: 1, seq: sql`${present} + 1` })
    .onConflictDoUpdate({ target: auditEnd.id, set: { seq: sql`greatest(${auditEnd.seq}, ${present}) + 1` } })
    .returning({ seq: auditEnd.seq })
  if (end === undefined) throw new Error('an upsert gave no row')
  return end.seq
}

async function highestSeq(db: Database): Promise<number> {
  const [end] = await db.select({ seq: auditEnd.seq }).from(auditEnd)
  return end?.seq ?? 0
}
