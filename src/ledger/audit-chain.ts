import { createHash } from 'node:crypto'
import type { Instant } from '#core/instant.ts'
import type { AuditBook, AuditEntry } from './ledger.ts'

export type NewAuditEntry = Parameters<AuditBook['append']>[0]

/** Where a chain of audit entries stands: the number and hash of its last one. */
export type ChainEnd = Pick<AuditEntry, 'seq' | 'hash'>

/** What the first entry follows. */
export const chainBeginning: ChainEnd = { seq: 0, hash: '0'.repeat(64) }

export const auditPageRows = 1000

/** The row of a new entry that follows on `previousHash`. */
export function auditRow(seq: number, previousHash: string, at: Instant, entry: NewAuditEntry): AuditEntry {
  const content = {
    seq,
    databaseAt: at,
    actor: entry.by.actor,
    action: entry.action,
    subject: entry.subject,
    reason: entry.by.reason,
    before: jsonOf(entry.before),
    after: jsonOf(entry.after),
    previousHash,
  }
  return { ...content, hash: hashOf(content) }
}

/** At most `auditPageRows` entries after a number, in order, and the highest number that was ever given out before they were read. */
export type ReadAuditPage = (afterSeq: number) => Promise<{ page: AuditEntry[]; highest: number }>

/** Walks the chain by pages, so that a long trail does not hold up the process: what was read once never changes. */
export async function verifyChain(readPage: ReadAuditPage): ReturnType<AuditBook['verify']> {
  let last = chainBeginning
  for (;;) {
    const { page, highest } = await readPage(last.seq)
    for (const entry of page) {
      const follows = entry.seq === last.seq + 1 && entry.previousHash === last.hash && entry.hash === hashOf(entry)
      if (!follows) return { entries: last.seq, intact: false, firstBroken: entry.seq }
      last = entry
    }
    if (page.length === auditPageRows) continue
    const whole = last.seq >= highest
    return { entries: last.seq, intact: whole, firstBroken: whole ? null : last.seq + 1 }
  }
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
