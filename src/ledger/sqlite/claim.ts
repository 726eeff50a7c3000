import { setTimeout as pause } from 'node:timers/promises'
import { and, eq, isNull, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Clocks } from '#core/clock.ts'
import type { Instant } from '#core/instant.ts'
import { type ClaimView, checkClaim } from '../claim-check.ts'
import { CommitAnswerLost } from '../commit-answer-lost.ts'
import type { Claim, ClaimRequest, Outbox } from '../ledger.ts'
import type { Connection } from './connection.ts'
import { prepared } from './prepared.ts'
import { attempt, cap, gate, message, reminder, suppression } from './schema.ts'

/** How long a claim is looked for whose commit's answer was lost, while the ledger cannot be read. */
const lookForMs = 10_000
const lookEveryMs = 100

/** Claims a message: checks at one moment all that must hold, and takes it, in one transaction. */
export function sqliteClaim(connection: Connection, clocks: Clocks): Outbox['claim'] {
  const statements = prepared(() => prepareClaim(connection.db))
  return async (request) => {
    try {
      return await connection.write(() => claimNow(statements(), request, clocks, connection.now()))
    } catch (error) {
      if (!(error instanceof CommitAnswerLost)) throw error
      return { kind: 'answer-lost', attempt: await lookUp(connection, request.token) }
    }
  }
}

type Statements = ReturnType<typeof prepareClaim>

/** All checks come before the first write, so that a refusal changes nothing. */
function claimNow(statements: Statements, request: ClaimRequest, clocks: Clocks, databaseAt: Instant): Claim {
  const permit = checkClaim(viewOf(statements), request, clocks)
  if ('refused' in permit) return { kind: 'refused', because: permit.refused }

  const { buckets, at } = permit
  for (const bucket of buckets) statements.countUp.run({ bucket, at })
  const { number } = statements.begin.get({
    token: request.token,
    messageId: request.messageId,
    ...request.worker,
    askedAt: databaseAt,
    leaseEndsAt: databaseAt + request.leaseMs,
  })
  statements.take.run({
    id: request.messageId,
    attempt: number,
    editionHash: request.editionHash,
    values: JSON.stringify(request.values),
    counted: JSON.stringify(buckets),
    at,
  })
  return { kind: 'claimed', attempt: number }
}

function viewOf(statements: Statements): ClaimView {
  return {
    gate: (scope) => statements.gate.get({ scope }),
    message: (id) => statements.message.get({ id }),
    openReminders: (id) => statements.openReminders.all({ id }),
    suppressed: (recipientKey) => statements.suppression.get({ recipientKey }) !== undefined,
    count: (bucket) => statements.count.get({ bucket })?.count ?? 0,
  }
}

/** The number of the attempt that a claim made; null: it made none. Throws when the ledger cannot be read for `lookForMs`. */
async function lookUp(connection: Connection, token: string): Promise<number | null> {
  const deadlineMs = performance.now() + lookForMs
  for (;;) {
    try {
      const byToken = connection.db.select({ number: attempt.number }).from(attempt).where(eq(attempt.token, token))
      const found = await connection.read(() => byToken.get())
      return found?.number ?? null
    } catch (error) {
      if (performance.now() > deadlineMs) throw error
      await pause(lookEveryMs)
    }
  }
}

function prepareClaim(db: BetterSQLite3Database) {
  const id = sql.placeholder('id')
  return {
    gate: db
      .select({ state: gate.state, claimProtocol: gate.claimProtocol })
      .from(gate)
      .where(eq(gate.scope, sql.placeholder('scope')))
      .prepare(),
    message: db
      .select({
        campaign: message.campaign,
        state: message.state,
        recipientKey: message.recipientKey,
        notBefore: message.notBefore,
      })
      .from(message)
      .where(eq(message.id, id))
      .prepare(),
    openReminders: db
      .select({ id: reminder.id, pinId: reminder.pinId, version: reminder.version, stage: reminder.stage })
      .from(reminder)
      .where(and(eq(reminder.messageId, id), isNull(reminder.outcome)))
      .prepare(),
    suppression: db
      .select({ since: suppression.since })
      .from(suppression)
      .where(eq(suppression.recipientKey, sql.placeholder('recipientKey')))
      .prepare(),
    count: db
      .select({ count: cap.count })
      .from(cap)
      .where(eq(cap.bucket, sql.placeholder('bucket')))
      .prepare(),
    countUp: db
      .insert(cap)
      .values({ bucket: sql.placeholder('bucket'), count: 1, countedAt: sql.placeholder('at') })
      .onConflictDoUpdate({
        target: cap.bucket,
        set: { count: sql`${cap.count} + 1`, countedAt: sql`excluded.counted_at` },
      })
      .prepare(),
    begin: db
      .insert(attempt)
      .values({
        token: sql.placeholder('token'),
        messageId: sql.placeholder('messageId'),
        workerName: sql.placeholder('name'),
        workerHost: sql.placeholder('host'),
        workerPid: sql.placeholder('pid'),
        workerIncarnation: sql.placeholder('incarnation'),
        askedDatabaseAt: sql.placeholder('askedAt'),
        leaseEndsDatabaseAt: sql.placeholder('leaseEndsAt'),
      })
      .returning({ number: attempt.number })
      .prepare(),
    take: db
      .update(message)
      .set({
        state: 'sending',
        wait: null,
        currentAttempt: sql`${sql.placeholder('attempt')}`,
        editionHash: sql`${sql.placeholder('editionHash')}`,
        renderValues: sql`${sql.placeholder('values')}`,
        counted: sql`${sql.placeholder('counted')}`,
        updatedAt: sql`${sql.placeholder('at')}`,
      })
      .where(eq(message.id, id))
      .prepare(),
  }
}
