import { and, asc, desc, eq, or, sql } from 'drizzle-orm'
import type { MessageState } from '#core/message-state.ts'
import { parseReference } from '#core/reference.ts'
import type { MessageDetail, MessageRow } from '../ledger.ts'
import { messageDetailOf, messageRowOf } from '../rows.ts'
import type { Database } from './connection.ts'
import { attempt, message, reminder } from './schema.ts'

/** Newest first. See ReportBook. */
export async function listMessages(
  db: Database,
  filter: { state?: MessageState; campaign?: string; limit: number },
): Promise<{ rows: MessageRow[]; truncated: boolean }> {
  const { state, campaign, limit } = filter
  const wanted = and(
    state === undefined ? undefined : eq(message.state, state),
    campaign === undefined ? undefined : eq(message.campaign, campaign),
  )
  const found = await db
    .select(rowColumns)
    .from(message)
    .where(wanted)
    .orderBy(desc(message.id))
    .limit(limit + 1)
  return { rows: found.slice(0, limit).map((row) => messageRowOf(row, row.attempts)), truncated: found.length > limit }
}

/** Finds a message by its id, or by its reference in any spelling. */
export async function messageDetail(db: Database, idOrReference: string): Promise<MessageDetail | null> {
  const reference = parseReference(idOrReference) ?? ''
  const [row] = await db
    .select()
    .from(message)
    .where(or(eq(message.id, idOrReference.trim().toUpperCase()), eq(message.reference, reference)))
  if (row === undefined) return null
  const reminders = await db.select().from(reminder).where(eq(reminder.messageId, row.id)).orderBy(asc(reminder.id))
  const attempts = await db.select().from(attempt).where(eq(attempt.messageId, row.id)).orderBy(asc(attempt.number))
  return messageDetailOf(row, reminders, attempts)
}

const rowColumns = {
  id: message.id,
  reference: message.reference,
  campaign: message.campaign,
  stage: message.stage,
  state: message.state,
  updatedAt: message.updatedAt,
  // Columns of a single table lose its name here: with an alias, it is clear whose they are.
  attempts: sql`(select count(*) from ${attempt} as a where a.message_id = message.id)`.mapWith(Number),
}
