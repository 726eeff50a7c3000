import { and, asc, desc, eq, type SQL, sql } from 'drizzle-orm'
import type { History, HistoryMessage, Subject } from '../ledger.ts'
import { historyMessageOf, historyReminderOf } from '../rows.ts'
import type { Database } from './connection.ts'
import { among } from './given-rows.ts'
import { attempt, enabled, message, reminder } from './schema.ts'

/** So many reminders of one subject are told, the newest. */
const mostReminders = 1_000

/** Oldest first. See ReportBook. */
export async function historyOf(db: Database, subject: Subject): Promise<History> {
  const found = await db
    .select()
    .from(reminder)
    .where(isOf(subject))
    .orderBy(desc(reminder.id))
    .limit(mostReminders + 1)
  const reminders = found.slice(0, mostReminders).reverse()
  const inMessages = reminders.map(({ messageId }) => messageId).filter((id) => id !== null)
  const messageIds = new Set('messageId' in subject ? [subject.messageId] : inMessages)
  return {
    reminders: reminders.map(historyReminderOf),
    messages: await messagesOf(db, [...messageIds]),
    truncated: found.length > mostReminders,
  }
}

function isOf(subject: Subject): SQL | undefined {
  // With the campaigns named, the index that makes a reminder unique is read, and not the whole table.
  if ('pinId' in subject) {
    return and(
      sql`${reminder.campaign} in (select ${enabled.campaign} from ${enabled})`,
      eq(reminder.pinId, subject.pinId),
    )
  }
  if ('recipientKey' in subject) return eq(reminder.recipientKey, subject.recipientKey)
  return eq(reminder.messageId, subject.messageId)
}

async function messagesOf(db: Database, ids: readonly string[]): Promise<HistoryMessage[]> {
  const attempts = Map.groupBy(
    await db.select().from(attempt).where(among(attempt.messageId, ids)).orderBy(asc(attempt.number)),
    (row) => row.messageId,
  )
  const rows = await db.select().from(message).where(among(message.id, ids)).orderBy(asc(message.id))
  return rows.map((row) => historyMessageOf(row, attempts.get(row.id) ?? []))
}
