import { and, count, eq, gt, gte, inArray, isNotNull, isNull, lt, min, or, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { MessageState } from '#core/message-state.ts'
import type { SkipReason } from '#core/reminder.ts'
import type { ReportBook, StateCounts, WaitReason } from '../ledger.ts'
import type { Connection } from './connection.ts'
import { historyOf } from './history.ts'
import { among } from './json-list.ts'
import { listMessages, messageDetail } from './message-report.ts'
import { sqliteOldestDue } from './oldest-due.ts'
import { attempt, cap, message, reminder } from './schema.ts'

const forgetAtOnce = 1000

export function sqliteReports(connection: Connection): ReportBook {
  const { db } = connection
  return {
    countsByCampaign: () => connection.read(() => countsByCampaign(db)),

    waiting: (at) =>
      connection.read(() => {
        const why = sql<WaitReason | 'ready'>`case
          when ${message.notBefore} > ${at} then coalesce(${message.wait}, 'window')
          when ${message.notAfter} <= ${at} then 'window'
          else 'ready' end`
        return (
          db
            .select({
              campaign: message.campaign,
              why: why.as('why'),
              messages: count(),
              nextAt: sql<number>`max(${at}, min(${message.notBefore}))`,
            })
            .from(message)
            .where(sql`${message.state} = 'pending'`)
            // The `+` keeps SQLite from walking all messages ever sent in the campaigns' order.
            .groupBy(sql`+${message.campaign}`, sql`why`)
            .orderBy(message.campaign, sql`why`)
            .all()
        )
      }),

    decidedSince: (campaigns, since) =>
      connection.read(() =>
        db
          .select({
            outcome: sql<'sent' | 'failed' | 'skipped'>`${reminder.outcome}`,
            reason: reminder.reason,
            reminders: count(),
          })
          .from(reminder)
          .where(and(gte(reminder.decidedAt, since), isNotNull(reminder.outcome), among(reminder.campaign, campaigns)))
          .groupBy(reminder.outcome, reminder.reason)
          .orderBy(reminder.outcome, reminder.reason)
          .all()
          .map((row) => ({ ...row, reason: row.reason as SkipReason | null })),
      ),

    openReminders: () =>
      connection.read(() => {
        const inDoubt = sql<number>`count(*) filter (where ${message.state} = 'in_doubt')`
        const row = db
          .select({ open: count(), inDoubt })
          .from(reminder)
          .leftJoin(message, eq(message.id, reminder.messageId))
          .where(isNull(reminder.outcome))
          .get()
        return { pending: (row?.open ?? 0) - (row?.inDoubt ?? 0), inDoubt: row?.inDoubt ?? 0 }
      }),

    oldestDoubtSeconds: () =>
      connection.read(() => {
        const oldest = db
          .select({ since: min(message.doubtSince) })
          .from(message)
          .where(sql`${message.state} = 'in_doubt'`)
          .get()
        const since = oldest?.since ?? null
        return since === null ? null : Math.max(0, Math.floor((connection.now() - since) / 1000))
      }),

    oldestDue: sqliteOldestDue(connection),

    callsInLast: (ms) =>
      connection.read(() => {
        // An attempt that ended without having begun called nobody.
        const called = or(isNull(attempt.endedAt), isNotNull(attempt.beganAt))
        const inTime = gt(attempt.askedDatabaseAt, connection.now() - ms)
        return db.select({ calls: count() }).from(attempt).where(and(inTime, called)).get()?.calls ?? 0
      }),

    messages: (filter) => connection.read(() => listMessages(db, filter)),

    message: (idOrReference) => connection.read(() => messageDetail(db, idOrReference)),

    history: (subject) => connection.read(() => historyOf(db, subject)),

    forgetAddresses: (decidedBefore) =>
      connection.write(() => {
        db.delete(cap).where(lt(cap.countedAt, decidedBefore)).run()
        const old = db
          .select({ id: message.id })
          .from(message)
          .where(and(sql`${forgettable}`, sql`${message.updatedAt} < ${decidedBefore}`))
          .limit(forgetAtOnce)
        return db.update(message).set({ address: null, renderValues: null }).where(inArray(message.id, old)).run()
          .changes
      }),
  }
}

/** As in the index, word for word. */
const forgettable = sql`${message.address} is not null and ${message.state} in ('sent', 'failed', 'skipped')`

function countsByCampaign(db: BetterSQLite3Database): Map<string, StateCounts> {
  const rows = db
    .select({ campaign: message.campaign, state: message.state, messages: count() })
    .from(message)
    .groupBy(message.campaign, message.state)
    .all()
  const counts = new Map<string, Record<MessageState, number>>()
  for (const { campaign, state, messages } of rows) {
    const of = counts.get(campaign) ?? { pending: 0, sending: 0, sent: 0, in_doubt: 0, failed: 0, skipped: 0 }
    of[state] = messages
    counts.set(campaign, of)
  }
  return counts
}
