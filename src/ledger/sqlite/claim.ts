import { setTimeout as pause } from 'node:timers/promises'
import { and, eq, isNull, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Clocks } from '#core/clock.ts'
import type { Instant } from '#core/instant.ts'
import { mayMove } from '#core/message-state.ts'
import { type Claim, type ClaimRefusal, type ClaimRequest, claimProtocol, everything, type Outbox } from '../ledger.ts'
import { CommitAnswerLost, type Connection } from './connection.ts'
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
  if (clocks.monotonicMs() > request.freshUntilMonotonicMs) return refused('stale')

  const id = request.messageId
  const found = statements.message.get({ id })
  if (!isOpen(statements, everything)) return refused('gate')
  if (found === undefined) return refused('not-pending')
  if (!isOpen(statements, found.campaign)) return refused('gate')
  if (!mayMove(found.state, 'sending')) return refused('not-pending')
  if (!isExactly(request.composed, statements.openReminders.all({ id }))) return refused('changed')
  if (statements.suppression.get({ recipientKey: found.recipientKey }) !== undefined) return refused('changed')

  const businessAt = clocks.business()
  const { fromAt, untilAt } = request.opening ?? { fromAt: found.notBefore, untilAt: Number.POSITIVE_INFINITY }
  if (businessAt < Math.max(fromAt, found.notBefore) || businessAt >= untilAt) return refused('window')

  const counters = countersOf(request, found.recipientKey)
  const full = counters.find(({ bucket, max }) => (statements.count.get({ bucket })?.count ?? 0) >= max)
  if (full !== undefined) return refused(full.because)

  for (const { bucket } of counters) statements.countUp.run({ bucket, at: businessAt })
  const { number } = statements.begin.get({
    token: request.token,
    messageId: id,
    ...request.worker,
    askedAt: databaseAt,
    leaseEndsAt: databaseAt + request.leaseMs,
  })
  statements.take.run({
    id,
    attempt: number,
    editionHash: request.editionHash,
    values: JSON.stringify(request.values),
    counted: JSON.stringify(counters.map(({ bucket }) => bucket)),
    at: businessAt,
  })
  return { kind: 'claimed', attempt: number }
}

function refused(because: ClaimRefusal): Claim {
  return { kind: 'refused', because }
}

/** A gate that is missing, or says anything but `on`, is closed. */
function isOpen(statements: Statements, scope: string): boolean {
  const found = statements.gate.get({ scope })
  return found?.state === 'on' && (scope !== everything || found.claimProtocol === claimProtocol)
}

/** True when the mail was composed of these reminders, of each in this version and at this stage, and of no other. */
function isExactly(
  composed: ClaimRequest['composed'],
  open: readonly { id: string; pinId: string; version: string; stage: string }[],
): boolean {
  const rest = new Map(open.map((one) => [one.id, one]))
  for (const { id, pinId, version, stage } of composed) {
    const one = rest.get(id)
    if (one?.pinId !== pinId || one.version !== version || one.stage !== stage) return false
    rest.delete(id)
  }
  return composed.length > 0 && rest.size === 0
}

interface Counter {
  readonly bucket: string
  readonly max: number
  readonly because: 'limit' | 'cap'
}

function countersOf({ limits, cap }: ClaimRequest, recipientKey: string): Counter[] {
  const counters: Counter[] = limits.map((limit) => ({ ...limit, because: 'limit' }))
  if (cap !== null) counters.push({ bucket: `cap:${recipientKey}:${cap.localDate}`, max: cap.max, because: 'cap' })
  return counters
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
