import { asc, eq, inArray, isNull, type SQL } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Instant } from '#core/instant.ts'
import { mayMove } from '#core/message-state.ts'
import type { Attempt, AttemptBook } from '../ledger.ts'
import { attemptOf } from '../rows.ts'
import type { Connection } from './connection.ts'
import { attempt, message } from './schema.ts'

/** The calls of SES as they were claimed and ended. The stop reads them on ledgers of every version: no other tables here. */
export function sqliteAttempts(connection: Connection): AttemptBook {
  const { db } = connection
  return {
    open: () => connection.read(() => select(db, isNull(attempt.endedAt))),
    byNumber: (numbers) => connection.read(() => select(db, inArray(attempt.number, [...numbers]))),
    doubt: (number, close, at) =>
      connection.write(() => doubt(db, number, close, { at, databaseAt: connection.now() })),
  }
}

function select(db: BetterSQLite3Database, which: SQL): Attempt[] {
  return db
    .select({ attempt: attemptColumns, message: { campaign: message.campaign, state: message.state } })
    .from(attempt)
    .innerJoin(message, eq(message.id, attempt.messageId))
    .where(which)
    .orderBy(asc(attempt.number))
    .all()
    .map((row) => attemptOf(row.attempt, row.message))
}

/** Changes nothing when the attempt's worker has ended it meanwhile. */
function doubt(
  db: BetterSQLite3Database,
  number: number,
  close: boolean,
  { at, databaseAt }: { at: Instant; databaseAt: Instant },
): void {
  const found = db
    .select({ endedAt: attempt.endedAt, messageId: message.id, state: message.state, current: message.currentAttempt })
    .from(attempt)
    .innerJoin(message, eq(message.id, attempt.messageId))
    .where(eq(attempt.number, number))
    .get()
  if (found === undefined || found.endedAt !== null) return

  if (found.current === number && mayMove(found.state, 'in_doubt')) {
    db.update(message)
      .set({ state: 'in_doubt', doubtSince: databaseAt, updatedAt: at })
      .where(eq(message.id, found.messageId))
      .run()
  }
  if (close) {
    db.update(attempt).set({ endedAt: databaseAt, outcome: 'unknown' }).where(eq(attempt.number, number)).run()
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
