import { and, asc, count, desc, eq, or } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Stage } from '#core/campaign.ts'
import type { LetterValues } from '#core/letter.ts'
import type { MessageState } from '#core/message-state.ts'
import type { Outcome } from '#core/outcome.ts'
import { parseReference } from '#core/reference.ts'
import type { SkipReason } from '#core/reminder.ts'
import type { Attempt, MessageDetail, MessageRow, WaitReason } from '../ledger.ts'
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
  return { rows: found.slice(0, limit).map((row) => rowOf(db, row)), truncated: found.length > limit }
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
  return {
    ...rowOf(db, row),
    address: row.address,
    notBefore: row.notBefore,
    wait: row.wait as WaitReason | null,
    sentAt: row.sentAt,
    sesId: row.sesId,
    editionHash: row.editionHash,
    values: row.renderValues === null ? null : (JSON.parse(row.renderValues) as LetterValues),
    reminders: remindersOf(db, row.id),
    attemptList: attemptsOf(db, row),
  }
}

type Row = typeof message.$inferSelect

const rowColumns = {
  id: message.id,
  reference: message.reference,
  campaign: message.campaign,
  stage: message.stage,
  state: message.state,
  updatedAt: message.updatedAt,
}

function rowOf(db: BetterSQLite3Database, row: Pick<Row, keyof typeof rowColumns>): MessageRow {
  const { id, reference, campaign, state, updatedAt } = row
  const attempts = db.select({ n: count() }).from(attempt).where(eq(attempt.messageId, id)).get()?.n ?? 0
  return { id, reference, campaign, stage: row.stage as Stage, state, attempts, updatedAt }
}

function remindersOf(db: BetterSQLite3Database, messageId: string): MessageDetail['reminders'] {
  const rows = db.select().from(reminder).where(eq(reminder.messageId, messageId)).orderBy(asc(reminder.id)).all()
  return rows.map(({ pinId, version, stage, outcome, reason, dueAt, decidedAt }) => ({
    pinId,
    version,
    stage: stage as Stage,
    outcome,
    reason: reason as SkipReason | null,
    dueAt,
    decidedAt,
  }))
}

function attemptsOf(db: BetterSQLite3Database, { id, campaign, state }: Row): Attempt[] {
  const rows = db.select().from(attempt).where(eq(attempt.messageId, id)).orderBy(asc(attempt.number)).all()
  return rows.map((row) => ({
    number: row.number,
    messageId: id,
    campaign,
    worker: {
      name: row.workerName,
      host: row.workerHost,
      pid: row.workerPid,
      incarnation: row.workerIncarnation,
    },
    askedAt: row.askedDatabaseAt,
    leaseEndsAt: row.leaseEndsDatabaseAt,
    outcome: row.outcome as Outcome | null,
    endedAt: row.endedAt,
    messageState: state,
  }))
}
