import { asc, eq, isNull, type SQL } from 'drizzle-orm'
import type { Instant } from '#core/instant.ts'
import { mayMove } from '#core/message-state.ts'
import type { Attempt, AttemptBook } from '../ledger.ts'
import { attemptOf } from '../rows.ts'
import type { Connection, Database } from './connection.ts'
import { among } from './given-rows.ts'
import { attempt, message } from './schema.ts'

/** The calls of SES as they were claimed and ended. The stop reads them on ledgers of every version: no other tables here. */
export function postgresAttempts(connection: Connection): AttemptBook {
  return {
    open: () => connection.read((db) => select(db, isNull(attempt.endedAt))),
    byNumber: (numbers) => connection.read((db) => select(db, among(attempt.number, numbers))),
    doubt: (number, close, at) =>
      connection.write(async (db) => doubt(db, number, close, { at, databaseAt: await connection.now(db) })),
  }
}

async function select(db: Database, which: SQL): Promise<Attempt[]> {
  const rows = await db
    .select({ attempt: attemptColumns, message: { campaign: message.campaign, state: message.state } })
    .from(attempt)
    .innerJoin(message, eq(message.id, attempt.messageId))
    .where(which)
    .orderBy(asc(attempt.number))
  return rows.map((row) => attemptOf(row.attempt, row.message))
}

/** Changes nothing when the attempt's worker has ended it meanwhile. */
async function doubt(
  db: Database,
  number: number,
  close: boolean,
  { at, databaseAt }: { at: Instant; databaseAt: Instant },
): Promise<void> {
  // The message first, then what is seen of its attempt: settlements hold the same lock.
  const [locked] = await db
    .select({ id: message.id, state: message.state, current: message.currentAttempt })
    .from(message)
    .innerJoin(attempt, eq(attempt.messageId, message.id))
    .where(eq(attempt.number, number))
    .for('update', { of: message })
  const [found] = await db.select({ endedAt: attempt.endedAt }).from(attempt).where(eq(attempt.number, number))
  if (locked === undefined || found === undefined || found.endedAt !== null) return

  if (locked.current === number && mayMove(locked.state, 'in_doubt')) {
    await db
      .update(message)
      .set({ state: 'in_doubt', doubtSince: databaseAt, updatedAt: at })
      .where(eq(message.id, locked.id))
  }
  if (close) {
    await db.update(attempt).set({ endedAt: databaseAt, outcome: 'unknown' }).where(eq(attempt.number, number))
  }
}

const attemptColumns = {
  number: attempt.number,
  messageId: attempt.messageId,
  workerName: attempt.workerName,
  workerHost: attempt.workerHost,
  workerPid: attempt.workerPid,
  workerIncarnation: attempt.workerIncarnation,
  askedDatabaseAt: attempt.askedDatabaseAt,
  leaseEndsDatabaseAt: attempt.leaseEndsDatabaseAt,
  outcome: attempt.outcome,
  endedAt: attempt.endedAt,
}
