import { asc, desc, gt, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Instant } from '#core/instant.ts'
import {
  auditPageRows,
  auditRow,
  type ChainEnd,
  chainBeginning,
  type NewAuditEntry,
  verifyChain,
} from '../audit-chain.ts'
import type { AuditBook, AuditEntry } from '../ledger.ts'
import type { Connection } from './connection.ts'
import { audit } from './schema.ts'

export function sqliteAudit(connection: Connection): AuditBook {
  const { db } = connection
  return {
    async append(entry) {
      await connection.write(() => appendAudit(db, connection.now(), entry))
    },
    list: (limit) => connection.read(() => db.select().from(audit).orderBy(desc(audit.seq)).limit(limit).all()),
    verify: () => verifyChain((afterSeq) => connection.read(() => readPage(db, afterSeq))),
  }
}

/** Adds an entry to the chain, inside the caller's transaction; gives its hash. */
export function appendAudit(db: BetterSQLite3Database, at: Instant, entry: NewAuditEntry): string {
  // After the highest ever given out: a missing end is never filled up again.
  const row = auditRow(highestSeq(db) + 1, lastAudit(db).hash, at, entry)
  db.insert(audit).values(row).run()
  return row.hash
}

/** The end of the chain. */
export function lastAudit(db: BetterSQLite3Database): ChainEnd {
  const last = db.select({ seq: audit.seq, hash: audit.hash }).from(audit).orderBy(desc(audit.seq)).limit(1).get()
  return last ?? chainBeginning
}

function readPage(db: BetterSQLite3Database, afterSeq: number): { page: AuditEntry[]; highest: number } {
  const page = db.select().from(audit).where(gt(audit.seq, afterSeq)).orderBy(asc(audit.seq)).limit(auditPageRows).all()
  return { page, highest: highestSeq(db) }
}

/** The highest number that the table ever gave out, which SQLite remembers: by it a missing end shows. */
function highestSeq(db: BetterSQLite3Database): number {
  const row = db.get<{ seq: number } | undefined>(sql`select seq from sqlite_sequence where name = 'audit'`)
  return row?.seq ?? 0
}
