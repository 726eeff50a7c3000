import { and, asc, count, desc, eq, or } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { MessageState } from '#core/message-state.ts'
import { parseReference } from '#core/reference.ts'
import type { MessageDetail, MessageRow } from '../ledger.ts'
import { messageDetailOf, messageRowOf } from '../rows.ts'
import { attempt, message, reminder } from './schema.ts'

/** Newest first. See ReportBook. */
export function listMessages(
  db: BetterSQLite3Database,
  filter: { state?: MessageState; campaign?: string; limit: number },
): { rows: MessageRow[]; truncated: boolean } {
  const { state, campaign, limit } = filter
  const wanted = and(
    state === undefined ? undefined : eq(message.state, state),
    campaign === undefined ? undefined : eq(message.campaign, campaign),
  )
  const found = db
    .select(rowColumns)
    .from(message)
    .where(wanted)
    .orderBy(desc(message.id))
    .limit(limit + 1)
    .all()
  return {
    rows: found.slice(0, limit).map((row) => messageRowOf(row, countAttempts(db, row.id))),
    truncated: found.length > limit,
  }
}

/** Finds a message by its id, or by its reference in any spelling. */
export function messageDetail(db: BetterSQLite3Database, idOrReference: string): MessageDetail | null {
  const reference = parseReference(idOrReference) ?? ''
  const row = db
    .select()
    .from(message)
    .where(or(eq(message.id, idOrReference.trim().toUpperCase()), eq(message.reference, reference)))
    .get()
  if (row === undefined) return null
  const reminders = db.select().from(reminder).where(eq(reminder.messageId, row.id)).orderBy(asc(reminder.id)).all()
  const attempts = db.select().from(attempt).where(eq(attempt.messageId, row.id)).orderBy(asc(attempt.number)).all()
  return messageDetailOf(row, reminders, attempts)
}

const rowColumns = {
  id: message.id,
  reference: message.reference,
  campaign: message.campaign,
  stage: message.stage,
  state: message.state,
  updatedAt: message.updatedAt,
}

function countAttempts(db: BetterSQLite3Database, messageId: string): number {
  return db.select({ n: count() }).from(attempt).where(eq(attempt.messageId, messageId)).get()?.n ?? 0
}
