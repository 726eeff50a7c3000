import { and, count, eq, gt, gte, inArray, isNotNull, isNull, lt, min, or, sql } from 'drizzle-orm'
import type { MessageState } from '#core/message-state.ts'
import type { SkipReason } from '#core/reminder.ts'
import type { ReportBook, StateCounts, WaitReason } from '../ledger.ts'
import type { Connection, Database } from './connection.ts'
import { among } from './given-rows.ts'
import { historyOf } from './history.ts'
import { listMessages, messageDetail } from './message-report.ts'
import { postgresOldestDue } from './oldest-due.ts'
import { attempt, cap, message, reminder } from './schema.ts'

const forgetAtOnce = 1000

export function postgresReports(connection: Connection): ReportBook {
  return {
    countsByCampaign: () => connection.read(countsByCampaign),

    waiting: (at) =>
      connection.read((db) => {
        const why = sql<WaitReason | 'ready'>`case
          when ${message.notBefore} > ${at} then coalesce(${message.wait}, 'window')
          when ${message.notAfter} <= ${at} then 'window'
          else 'ready' end`
        return db
          .select({
            campaign: message.campaign,
            why: why.as('why'),
            messages: count(),
            nextAt: sql`greatest(${at}::bigint, min(${message.notBefore}))`.mapWith(Number),
          })
          .from(message)
          .where(sql`${message.state} = 'pending'`)
          .groupBy(message.campaign, sql`why`)
          .orderBy(message.campaign, sql`why`)
      }),

    decidedSince: (campaigns, since) =>
      connection.read(async (db) => {
        const rows = await db
          .select({
            outcome: sql<'sent' | 'failed' | 'skipped'>`${reminder.outcome}`,
            reason: reminder.reason,
            reminders: count(),
          })
          .from(reminder)
          .where(and(gte(reminder.decidedAt, since), isNotNull(reminder.outcome), among(reminder.campaign, campaigns)))
          .groupBy(reminder.outcome, reminder.reason)
          .orderBy(reminder.outcome, reminder.reason)
        return rows.map((row) => ({ ...row, reason: row.reason as SkipReason | null }))
      }),

    openReminders: () =>
      connection.read(async (db) => {
        const inDoubt = sql`count(*) filter (where ${message.state} = 'in_doubt')`.mapWith(Number)
        const [row] = await db
          .select({ open: count(), inDoubt })
          .from(reminder)
          .leftJoin(message, eq(message.id, reminder.messageId))
          .where(isNull(reminder.outcome))
        return { pending: (row?.open ?? 0) - (row?.inDoubt ?? 0), inDoubt: row?.inDoubt ?? 0 }
      }),

    oldestDoubtSeconds: () =>
      connection.read(async (db) => {
        const [oldest] = await db
          .select({ since: min(message.doubtSince) })
          .from(message)
          .where(sql`${message.state} = 'in_doubt'`)
        const since = oldest?.since ?? null
        return since === null ? null : Math.max(0, Math.floor(((await connection.now(db)) - since) / 1000))
      }),

    oldestDue: postgresOldestDue(connection),

    callsInLast: (ms) =>
      connection.read(async (db) => {
        // An attempt that ended without having begun called nobody.
        const called = or(isNull(attempt.endedAt), isNotNull(attempt.beganAt))
        const inTime = gt(attempt.askedDatabaseAt, (await connection.now(db)) - ms)
        const [row] = await db.select({ calls: count() }).from(attempt).where(and(inTime, called))
        return row?.calls ?? 0
      }),

    messages: (filter) => connection.read((db) => listMessages(db, filter)),

    message: (idOrReference) => connection.snapshot((db) => messageDetail(db, idOrReference)),

    history: (subject) => connection.snapshot((db) => historyOf(db, subject)),

    forgetAddresses: (decidedBefore) =>
      connection.write(async (db) => {
        await db.delete(cap).where(lt(cap.countedAt, decidedBefore))
        const old = db
          .select({ id: message.id })
          .from(message)
          .where(and(forgettable, lt(message.updatedAt, decidedBefore)))
          .limit(forgetAtOnce)
        const forgotten = await db
          .update(message)
          .set({ address: null, renderValues: null })
          .where(inArray(message.id, old))
        return forgotten.rowCount ?? 0
      }),
  }
}

/** As in the index, word for word. */
const forgettable = sql`${message.address} is not null and ${message.state} in ('sent', 'failed', 'skipped')`

async function countsByCampaign(db: Database): Promise<Map<string, StateCounts>> {
  const rows = await db
    .select({ campaign: message.campaign, state: message.state, messages: count() })
    .from(message)
    .groupBy(message.campaign, message.state)
  const counts = new Map<string, Record<MessageState, number>>()
  for (const { campaign, state, messages } of rows) {
    const of = counts.get(campaign) ?? { pending: 0, sending: 0, sent: 0, in_doubt: 0, failed: 0, skipped: 0 }
    of[state] = messages
    counts.set(campaign, of)
  }
  return counts
}
