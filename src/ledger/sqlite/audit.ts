import { createHash } from 'node:crypto'
import { asc, desc, gt, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Instant } from '#core/instant.ts'
import type { AuditBook, AuditEntry } from '../ledger.ts'
import type { Connection } from './connection.ts'
import { audit } from './schema.ts'

type NewAuditEntry = Parameters<AuditBook['append']>[0]

/** The hash that the first entry follows. */
const beginning = '0'.repeat(64)
const pageRows = 1000

export function sqliteAudit(connection: Connection): AuditBook {
  const { db } = connection
  return {
    async append(entry) {
      await connection.write(() => appendAudit(db, connection.now(), entry))
    },
    list: (limit) => connection.read(() => db.select().from(audit).orderBy(desc(audit.seq)).limit(limit).all()),
    verify: () => verify(connection),
  }
}

/** Adds an entry to the chain, inside the caller's transaction; gives its hash. */
export function appendAudit(db: BetterSQLite3Database, at: Instant, entry: NewAuditEntry): string {
  const last = lastAudit(db)
  const content = {
    // After the highest ever given out: a missing end is never filled up again.
    seq: highestSeq(db) + 1,
    databaseAt: at,
    actor: entry.by.actor,
    action: entry.action,
    subject: entry.subject,
    reason: entry.by.reason,
    before: jsonOf(entry.before),
    after: jsonOf(entry.after),
    previousHash: last.hash,
  }
  const hash = hashOf(content)
  db.insert(audit)
    .values({ ...content, hash })
    .run()
  return hash
}

/** The end of the chain. */
export function lastAudit(db: BetterSQLite3Database): Pick<AuditEntry, 'seq' | 'hash'> {
  const last = db.select({ seq: audit.seq, hash: audit.hash }).from(audit).orderBy(desc(audit.seq)).limit(1).get()
  return last ?? { seq: 0, hash: beginning }
}

/** By pages, so that a long trail does not hold up the process: what was read once never changes. */
async function verify(connection: Connection): ReturnType<AuditBook['verify']> {
  let last: Pick<AuditEntry, 'seq' | 'hash'> = { seq: 0, hash: beginning }
  for (;;) {
    const { page, highest } = await connection.read(() => readPage(connection.db, last.seq))
    for (const entry of page) {
      const follows = entry.seq === last.seq + 1 && entry.previousHash === last.hash && entry.hash === hashOf(entry)
      if (!follows) return { entries: last.seq, intact: false, firstBroken: entry.seq }
      last = entry
    }
    if (page.length === pageRows) continue
    const whole = last.seq >= highest
    return { entries: last.seq, intact: whole, firstBroken: whole ? null : last.seq + 1 }
  }
}

function readPage(db: BetterSQLite3Database, afterSeq: number): { page: AuditEntry[]; highest: number } {
  const page = db.select().from(audit).where(gt(audit.seq, afterSeq)).orderBy(asc(audit.seq)).limit(pageRows).all()
  return { page, highest: highestSeq(db) }
}

/** The highest number that the table ever gave out, which SQLite remembers: by it a missing end shows. */
function highestSeq(db: BetterSQLite3Database): number {
  const row = db.get<{ seq: number } | undefined>(sql`select seq from sqlite_sequence where name = 'audit'`)
  return row?.seq ?? 0
}

function jsonOf(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value)
}

/** Of all members in a fixed order, and so of the whole chain up to here. */
function hashOf(entry: Omit<AuditEntry, 'hash'>): string {
  const { seq, databaseAt, actor, action, subject, reason, before, after, previousHash } = entry
  const canonical = JSON.stringify([seq, databaseAt, actor, action, subject, reason, before, after, previousHash])
  return createHash('sha256').update(canonical).digest('hex')
}
