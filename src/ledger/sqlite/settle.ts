import { setTimeout as pause } from 'node:timers/promises'
import { and, eq, gt, isNull, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import { ForewarnError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import type { Outbox, Settled, Settlement } from '../ledger.ts'
import { paceAfter } from '../pace-state.ts'
import { settlementVerdict } from '../settlement-verdict.ts'
import { appendAudit } from './audit.ts'
import type { Connection } from './connection.ts'
import { type PaceRowAccess, paceRow } from './pace-row.ts'
import { prepared } from './prepared.ts'
import { attempt, cap, message, reminder } from './schema.ts'

/** How long a settlement is repeated while the ledger is locked or answers are lost: what SES said is not given up lightly. */
const repeatForMs = 60_000
const repeatEveryMs = 100

/** Records how an attempt ended, and moves its message when the answer is that of its current attempt. */
export function sqliteSettle(connection: Connection): Outbox['settle'] {
  const { db } = connection
  const statements = prepared(() => prepareSettle(db))
  const pace = paceRow(db)
  return async (settlement) => {
    const deadlineMs = performance.now() + repeatForMs
    for (;;) {
      try {
        return await connection.write(() =>
          settleNow({ db, statements: statements(), pace }, settlement, connection.now()),
        )
      } catch (error) {
        if (!mayPass(error) || performance.now() > deadlineMs) throw error
        await pause(repeatEveryMs)
      }
    }
  }
}

/** A lost answer, a lock, a full disk: another try may succeed. */
function mayPass(error: unknown): boolean {
  return error instanceof ForewarnError && error.code === 'ledger-unusable'
}

interface Tables {
  readonly db: BetterSQLite3Database
  readonly statements: ReturnType<typeof prepareSettle>
  readonly pace: PaceRowAccess
}

function settleNow({ db, statements, pace }: Tables, settlement: Settlement, databaseAt: Instant): Settled {
  const { messageId, attempt: number } = settlement
  const before = statements.attempt.get({ number, messageId })
  const verdict = settlementVerdict(settlement, before, statements.message.get({ messageId }))
  statements.fill.run({ ...settlement, number })
  if (!verdict.repeated) noteAnswer(pace, settlement, databaseAt)
  if (verdict.moves) move(statements, settlement, databaseAt)
  if (verdict.alarm !== null) appendAudit(db, databaseAt, verdict.alarm)
  return verdict.settled
}

function move(statements: Tables['statements'], settlement: Settlement, databaseAt: Instant): void {
  const { messageId, at, to, sesId, again } = settlement
  // Surely not accepted: it does not count towards the address's cap and the campaign's limits.
  if (to === 'pending' || to === 'failed') statements.giveBack.run({ messageId })
  switch (to) {
    case 'sent':
      statements.sent.run({ messageId, sesId, at })
      statements.decide.run({ messageId, outcome: 'sent', at })
      break
    case 'failed':
      statements.failed.run({ messageId, at })
      statements.decide.run({ messageId, outcome: 'failed', at })
      break
    case 'pending':
      statements.pending.run({ messageId, notBefore: again?.notBefore ?? null, wait: again?.wait ?? null, at })
      break
    case 'in_doubt':
      statements.inDoubt.run({ messageId, databaseAt, at })
      break
  }
}

/** Writes only when something changes: nearly every answer is good after a good one. */
function noteAnswer(pace: PaceRowAccess, settlement: Settlement, databaseAt: Instant): void {
  if (settlement.sign === 'neutral' && !settlement.slowDown) return
  const before = pace.read()
  const after = paceAfter(before, settlement, databaseAt)
  if (after !== before) pace.write(after)
}

function prepareSettle(db: BetterSQLite3Database) {
  const { placeholder } = sql
  const messageId = placeholder('messageId')
  const at = sql`${placeholder('at')}`
  const thisMessage = eq(message.id, messageId)
  const thisAttempt = and(eq(attempt.number, placeholder('number')), eq(attempt.messageId, messageId))
  /** Nothing counts or doubts any more. */
  const over = { counted: null, doubtSince: null, updatedAt: at }
  return {
    attempt: db
      .select({ outcome: attempt.outcome, beganAt: attempt.beganAt, endedAt: attempt.endedAt })
      .from(attempt)
      .where(thisAttempt)
      .prepare(),
    fill: db
      .update(attempt)
      .set({
        outcome: sql`${placeholder('outcome')}`,
        code: sql`${placeholder('code')}`,
        requestId: sql`${placeholder('requestId')}`,
        sesId: sql`${placeholder('sesId')}`,
        beganAt: sql`${placeholder('beganAt')}`,
        endedAt: sql`${placeholder('endedAt')}`,
      })
      .where(thisAttempt)
      .prepare(),
    message: db
      .select({ state: message.state, currentAttempt: message.currentAttempt })
      .from(message)
      .where(thisMessage)
      .prepare(),
    sent: db
      .update(message)
      .set({ ...over, state: 'sent', sesId: sql`${placeholder('sesId')}`, sentAt: at })
      .where(thisMessage)
      .prepare(),
    failed: db
      .update(message)
      .set({ ...over, state: 'failed' })
      .where(thisMessage)
      .prepare(),
    pending: db
      .update(message)
      .set({
        ...over,
        state: 'pending',
        notBefore: sql`coalesce(${placeholder('notBefore')}, ${message.notBefore})`,
        wait: sql`${placeholder('wait')}`,
        currentAttempt: null,
        editionHash: null,
        renderValues: null,
      })
      .where(thisMessage)
      .prepare(),
    inDoubt: db
      .update(message)
      .set({ state: 'in_doubt', doubtSince: sql`${placeholder('databaseAt')}`, updatedAt: at })
      .where(thisMessage)
      .prepare(),
    decide: db
      .update(reminder)
      .set({ outcome: sql`${placeholder('outcome')}`, decidedAt: at })
      .where(and(eq(reminder.messageId, messageId), isNull(reminder.outcome)))
      .prepare(),
    giveBack: db
      .update(cap)
      .set({ count: sql`${cap.count} - 1` })
      .where(
        and(
          sql`${cap.bucket} in (select value from json_each((select ${message.counted} from ${message} where ${thisMessage})))`,
          gt(cap.count, 0),
        ),
      )
      .prepare(),
  }
}
