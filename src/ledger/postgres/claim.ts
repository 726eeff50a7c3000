import { and, eq, isNull } from 'drizzle-orm'
import type { Clocks } from '#core/clock.ts'
import type { Instant } from '#core/instant.ts'
import { type ClaimView, checkClaim, countersOf } from '../claim-check.ts'
import type { Claim, ClaimRefusal, ClaimRequest } from '../ledger.ts'
import type { Connection, Database } from './connection.ts'
import type { Counters } from './counters.ts'
import { gateChange } from './gates.ts'
import { among, given, givenRows, insertReturning } from './given-rows.ts'
import type { LockedMessage } from './locked-messages.ts'
import { attempt, gate, message, reminder } from './schema.ts'

interface Taken {
  readonly request: ClaimRequest
  readonly buckets: readonly string[]
  readonly at: Instant
}

type OpenReminder = ReturnType<ClaimView['openReminders']>[number]

/** The claims of one transaction, at most one for each message: read together, decided one after the other, written together. */
export class Claims {
  readonly #view: ClaimView
  readonly #counters: Counters
  readonly #taken: Taken[] = []
  readonly #refused = new Map<string, ClaimRefusal>()

  /** The messages and counters are locked by now, and so is the change of gates. */
  static async read(
    db: Database,
    requests: readonly ClaimRequest[],
    messages: ReadonlyMap<string, LockedMessage>,
    counters: Counters,
  ): Promise<Claims> {
    const gates = requests.length === 0 ? [] : await db.select(gateColumns).from(gate)
    const ids = requests.map(({ messageId }) => messageId)
    const open = requests.length === 0 ? [] : await readOpenReminders(db, ids)
    const gateOf = new Map(gates.map((one) => [one.scope, one]))
    const openIn = Map.groupBy(open, ({ messageId }) => messageId)
    const suppressed = new Set(
      [...messages.values()].filter((one) => one.suppressed).map(({ recipientKey }) => recipientKey),
    )
    return new Claims(counters, {
      gate: (scope) => gateOf.get(scope),
      message: (id) => messages.get(id),
      openReminders: (id) => openIn.get(id) ?? [],
      suppressed: (recipientKey) => suppressed.has(recipientKey),
      count: (bucket) => counters.count(bucket),
    })
  }

  private constructor(counters: Counters, view: ClaimView) {
    this.#counters = counters
    this.#view = view
  }

  decide(request: ClaimRequest, clocks: Clocks): void {
    const permit = checkClaim(this.#view, request, clocks)
    if ('refused' in permit) {
      this.#refused.set(request.messageId, permit.refused)
      return
    }
    const { buckets, at } = permit
    for (const bucket of buckets) this.#counters.up(bucket, at)
    this.#taken.push({ request, buckets, at })
  }

  /** Gives the answers by message. */
  async save(db: Database, databaseAt: Instant): Promise<Map<string, Claim>> {
    const answers = new Map<string, Claim>()
    for (const [messageId, because] of this.#refused) answers.set(messageId, { kind: 'refused', because })
    if (this.#taken.length === 0) return answers

    const numbers = await this.#begin(db, databaseAt)
    for (const [messageId, number] of numbers) answers.set(messageId, { kind: 'claimed', attempt: number })
    await this.#take(db, numbers)
    return answers
  }

  /** The numbers of the attempts, by message. */
  async #begin(db: Database, databaseAt: Instant): Promise<Map<string, number>> {
    const rows = this.#taken.map(({ request: { token, messageId, worker, leaseMs } }) => ({
      token,
      messageId,
      workerName: worker.name,
      workerHost: worker.host,
      workerPid: worker.pid,
      workerIncarnation: worker.incarnation,
      askedDatabaseAt: databaseAt,
      leaseEndsDatabaseAt: databaseAt + leaseMs,
    }))
    const begun = await insertReturning(db, attempt, attemptColumns, rows, ['messageId', 'number'])
    return new Map(begun.map(({ messageId, number }) => [messageId, number]))
  }

  async #take(db: Database, numbers: ReadonlyMap<string, number>): Promise<void> {
    const rows = this.#taken.map(({ request, buckets, at }) => ({
      id: request.messageId,
      currentAttempt: numbers.get(request.messageId) ?? null,
      editionHash: request.editionHash,
      renderValues: JSON.stringify(request.values),
      counted: JSON.stringify(buckets),
      updatedAt: at,
    }))
    await db
      .update(message)
      .set({
        state: 'sending',
        wait: null,
        currentAttempt: given(message.currentAttempt),
        editionHash: given(message.editionHash),
        renderValues: given(message.renderValues),
        counted: given(message.counted),
        updatedAt: given(message.updatedAt),
      })
      .from(givenRows(message, ['id', 'currentAttempt', 'editionHash', 'renderValues', 'counted', 'updatedAt'], rows))
      .where(eq(message.id, given(message.id)))
  }
}

/** The counters that claims of these messages look at. */
export function bucketsOfClaims(
  requests: readonly ClaimRequest[],
  messages: ReadonlyMap<string, LockedMessage>,
): string[] {
  return requests.flatMap((request) => {
    const found = messages.get(request.messageId)
    return found?.state === 'pending' ? countersOf(request, found.recipientKey).map(({ bucket }) => bucket) : []
  })
}

/**
 * The number of the attempt that a claim made whose commit's answer was lost; null: it made none, and will make none. A claim that is
 * still under way keeps the gates' lock, for which this waits.
 */
export function findAttempt(connection: Connection, token: string): Promise<number | null> {
  return connection.insist({ forMs: 10_000, pauseMs: 100, repeatable: true }, () =>
    connection.transact(async (db) => {
      const [found] = await db.select({ number: attempt.number }).from(attempt).where(eq(attempt.token, token))
      return found?.number ?? null
    }, gateChange),
  )
}

async function readOpenReminders(
  db: Database,
  messageIds: readonly string[],
): Promise<(OpenReminder & { messageId: string | null })[]> {
  return db
    .select({
      messageId: reminder.messageId,
      id: reminder.id,
      pinId: reminder.pinId,
      version: reminder.version,
      stage: reminder.stage,
    })
    .from(reminder)
    .where(and(among(reminder.messageId, messageIds), isNull(reminder.outcome)))
}

const gateColumns = { scope: gate.scope, state: gate.state, claimProtocol: gate.claimProtocol }

const attemptColumns = [
  'token',
  'messageId',
  'workerName',
  'workerHost',
  'workerPid',
  'workerIncarnation',
  'askedDatabaseAt',
  'leaseEndsDatabaseAt',
] as const
