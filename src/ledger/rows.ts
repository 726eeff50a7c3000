import type { Stage } from '#core/campaign.ts'
import type { Edition, LetterValues } from '#core/letter.ts'
import type { MessageState } from '#core/message-state.ts'
import type { Outcome } from '#core/outcome.ts'
import type { SkipReason } from '#core/reminder.ts'
import type {
  Attempt,
  HistoryAttempt,
  HistoryMessage,
  HistoryReminder,
  MessageDetail,
  MessageRow,
  WaitReason,
} from './ledger.ts'
import type * as schema from './sqlite/schema.ts'

// Rows as the tables have them, which are the same in every kind of ledger, as the port tells them.

type MessageTableRow = typeof schema.message.$inferSelect
type ReminderTableRow = typeof schema.reminder.$inferSelect
type AttemptTableRow = typeof schema.attempt.$inferSelect

export function messageRowOf(
  row: Pick<MessageTableRow, 'id' | 'reference' | 'campaign' | 'stage' | 'state' | 'updatedAt'>,
  attempts: number,
): MessageRow {
  const { id, reference, campaign, state, updatedAt } = row
  return { id, reference, campaign, stage: row.stage as Stage, state, attempts, updatedAt }
}

export function messageDetailOf(
  row: MessageTableRow,
  reminders: readonly ReminderTableRow[],
  attempts: readonly AttemptTableRow[],
): MessageDetail {
  return {
    ...messageRowOf(row, attempts.length),
    address: row.address,
    notBefore: row.notBefore,
    wait: row.wait as WaitReason | null,
    sentAt: row.sentAt,
    sesId: row.sesId,
    editionHash: row.editionHash,
    values: row.renderValues === null ? null : (JSON.parse(row.renderValues) as LetterValues),
    reminders: reminders.map(({ pinId, version, stage, outcome, reason, dueAt, decidedAt }) => ({
      pinId,
      version,
      stage: stage as Stage,
      outcome,
      reason: reason as SkipReason | null,
      dueAt,
      decidedAt,
    })),
    attemptList: attempts.map((attempt) => attemptOf(attempt, row)),
  }
}

/** The columns of an attempt that the stop needs: they were there from the first migration on. */
type AttemptColumns = Pick<
  AttemptTableRow,
  | 'number'
  | 'messageId'
  | 'workerName'
  | 'workerHost'
  | 'workerPid'
  | 'workerIncarnation'
  | 'askedDatabaseAt'
  | 'leaseEndsDatabaseAt'
  | 'outcome'
  | 'endedAt'
>

/** An attempt beside the message that it was made for. */
export function attemptOf(
  row: AttemptColumns,
  { campaign, state }: { campaign: string; state: MessageState },
): Attempt {
  const { number, messageId, workerName: name, workerHost: host, workerPid: pid, workerIncarnation: incarnation } = row
  return {
    number,
    messageId,
    campaign,
    worker: { name, host, pid, incarnation },
    askedAt: row.askedDatabaseAt,
    leaseEndsAt: row.leaseEndsDatabaseAt,
    outcome: row.outcome as Outcome | null,
    endedAt: row.endedAt,
    messageState: state,
  }
}

export function historyReminderOf(row: ReminderTableRow): HistoryReminder {
  const { id, campaign, pinId, version, stage, dueAt, messageId, outcome, reason, createdAt, decidedAt } = row
  return {
    id,
    campaign,
    pinId,
    version,
    stage: stage as Stage,
    dueAt,
    messageId,
    outcome,
    reason: reason as SkipReason | null,
    createdAt,
    decidedAt,
  }
}

export function historyMessageOf(row: MessageTableRow, attempts: readonly AttemptTableRow[]): HistoryMessage {
  return {
    id: row.id,
    reference: row.reference,
    campaign: row.campaign,
    recipientKey: row.recipientKey,
    stage: row.stage as Stage,
    state: row.state,
    notBefore: row.notBefore,
    notAfter: row.notAfter,
    wait: row.wait as WaitReason | null,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    sentAt: row.sentAt,
    currentAttempt: row.currentAttempt,
    attempts: attempts.map(historyAttemptOf),
  }
}

function historyAttemptOf(row: AttemptTableRow): HistoryAttempt {
  const { number, askedDatabaseAt: askedAt, endedAt, outcome, code } = row
  return { number, askedAt, endedAt, outcome: outcome as Outcome | null, code }
}

export function editionOf({ hash, body }: { hash: string; body: string }): Edition {
  return { hash, ...(JSON.parse(body) as Omit<Edition, 'hash'>) }
}
