import { and, asc, desc, eq, type SQL, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { History, HistoryMessage, Subject } from '../ledger.ts'
import { historyMessageOf, historyReminderOf } from '../rows.ts'
import { among } from './json-list.ts'
import { attempt, enabled, message, reminder } from './schema.ts'

/** So many reminders of one subject are told, the newest. */
const mostReminders = 1_000

/** Oldest first. See ReportBook. */
export function historyOf(db: BetterSQLite3Database, subject: Subject): History {
  const found = db
    .select()
    .from(reminder)
    .where(isOf(subject))
    .orderBy(desc(reminder.id))
    .limit(mostReminders + 1)
    .all()
  const reminders = found.slice(0, mostReminders).reverse()
  const inMessages = reminders.map(({ messageId }) => messageId).filter((id) => id !== null)
  const messageIds = new Set('messageId' in subject ? [subject.messageId] : inMessages)
  return {
    reminders: reminders.map(historyReminderOf),
    messages: messagesOf(db, [...messageIds]),
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

function messagesOf(db: BetterSQLite3Database, ids: readonly string[]): HistoryMessage[] {
  const attempts = Map.groupBy(
    db.select().from(attempt).where(among(attempt.messageId, ids)).orderBy(asc(attempt.number)).all(),
    (row) => row.messageId,
  )
  const rows = db.select().from(message).where(among(message.id, ids)).orderBy(asc(message.id)).all()
  return rows.map((row) => historyMessageOf(row, attempts.get(row.id) ?? []))
}
