import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Instant } from '#core/instant.ts'
import type { Settled, Settlement } from '../ledger.ts'
import { paceAfter } from '../pace-state.ts'
import { settlementVerdict, type Verdict } from '../settlement-verdict.ts'
import { appendAudit } from './audit.ts'
import type { Database } from './connection.ts'
import type { Counters } from './counters.ts'
import { among, given, givenRows } from './given-rows.ts'
import type { LockedMessage } from './locked-messages.ts'
import { readPaceRow, writePaceRow } from './pace-row.ts'
import { attempt, message, reminder } from './schema.ts'

interface Decided {
  readonly settlement: Settlement
  readonly verdict: Verdict
}

type AttemptBefore = Parameters<typeof settlementVerdict>[1]

/** The settlements of one transaction, at most one for each message: read together, decided one after the other, written together. */
export class Settlements {
  readonly #messages: ReadonlyMap<string, LockedMessage>
  readonly #attempts: ReadonlyMap<string, AttemptBefore>
  readonly #counters: Counters
  readonly #decided: Decided[] = []

  /** The messages and counters are locked by now. */
  static async read(
    db: Database,
    settlements: readonly Settlement[],
    messages: ReadonlyMap<string, LockedMessage>,
    counters: Counters,
  ): Promise<Settlements> {
    const numbers = settlements.map((settlement) => settlement.attempt)
    const rows =
      numbers.length === 0 ? [] : await db.select(beforeColumns).from(attempt).where(among(attempt.number, numbers))
    return new Settlements(messages, new Map(rows.map((row) => [keyOf(row.messageId, row.number), row])), counters)
  }

  private constructor(
    messages: ReadonlyMap<string, LockedMessage>,
    attempts: ReadonlyMap<string, AttemptBefore>,
    counters: Counters,
  ) {
    this.#messages = messages
    this.#attempts = attempts
    this.#counters = counters
  }

  decide(settlement: Settlement): void {
    const { messageId } = settlement
    const found = this.#messages.get(messageId)
    const verdict = settlementVerdict(settlement, this.#attempts.get(keyOf(messageId, settlement.attempt)), found)
    if (verdict.moves && givesBack(settlement)) for (const bucket of bucketsIn(found)) this.#counters.down(bucket)
    this.#decided.push({ settlement, verdict })
  }

  /** Gives the answers by message. */
  async save(db: Database, databaseAt: Instant): Promise<Map<string, Settled>> {
    if (this.#decided.length > 0) {
      await this.#fillAttempts(db)
      await this.#moveMessages(db, databaseAt)
      await this.#decideReminders(db)
      await this.#noteAnswers(db, databaseAt)
      for (const { verdict } of this.#decided) {
        if (verdict.alarm !== null) await appendAudit(db, databaseAt, verdict.alarm)
      }
    }
    return new Map(this.#decided.map(({ settlement, verdict }) => [settlement.messageId, verdict.settled]))
  }

  async #fillAttempts(db: Database): Promise<void> {
    const rows = this.#decided.map(({ settlement }) => ({ ...settlement, number: settlement.attempt }))
    await db
      .update(attempt)
      .set({
        outcome: given(attempt.outcome),
        code: given(attempt.code),
        requestId: given(attempt.requestId),
        sesId: given(attempt.sesId),
        beganAt: given(attempt.beganAt),
        endedAt: given(attempt.endedAt),
      })
      .from(givenRows(attempt, fillColumns, rows))
      .where(and(eq(attempt.number, given(attempt.number)), eq(attempt.messageId, given(attempt.messageId))))
  }

  async #moveMessages(db: Database, databaseAt: Instant): Promise<void> {
    const moving = Map.groupBy(this.#moving(), ({ to }) => to)
    await moveMessages(db, moving.get('sent'), { ...over, state: 'sent', sesId: given(message.sesId), sentAt: at })
    await moveMessages(db, moving.get('failed'), { ...over, state: 'failed' })
    await moveMessages(db, moving.get('pending'), {
      ...over,
      state: 'pending',
      notBefore: sql`coalesce(${given(message.notBefore)}, ${message.notBefore})`,
      wait: given(message.wait),
      currentAttempt: null,
      editionHash: null,
      renderValues: null,
    })
    await moveMessages(db, moving.get('in_doubt'), { state: 'in_doubt', doubtSince: databaseAt, updatedAt: at })
  }

  async #decideReminders(db: Database): Promise<void> {
    const rows = this.#moving().flatMap(({ messageId, to, at: decidedAt }) =>
      to === 'sent' || to === 'failed' ? [{ messageId, outcome: to, decidedAt }] : [],
    )
    if (rows.length === 0) return
    await db
      .update(reminder)
      .set({ outcome: given(reminder.outcome), decidedAt: given(reminder.decidedAt) })
      .from(givenRows(reminder, ['messageId', 'outcome', 'decidedAt'], rows))
      .where(and(eq(reminder.messageId, given(reminder.messageId)), isNull(reminder.outcome)))
  }

  /** Locks the row only when something changes: nearly every answer is good after a good one. */
  async #noteAnswers(db: Database, databaseAt: Instant): Promise<void> {
    const answers = this.#decided
      .filter(({ settlement, verdict }) => !verdict.repeated && (settlement.sign !== 'neutral' || settlement.slowDown))
      .map(({ settlement }) => settlement)
    if (answers.length === 0) return
    const after = async (lock: boolean) => {
      const before = await readPaceRow(db, { lock })
      const row = answers.reduce((pace, answer) => paceAfter(pace, answer, databaseAt), before)
      return row === before ? null : row
    }
    if ((await after(false)) === null) return
    const changed = await after(true)
    if (changed !== null) await writePaceRow(db, changed)
  }

  #moving(): Settlement[] {
    return this.#decided.filter(({ verdict }) => verdict.moves).map(({ settlement }) => settlement)
  }
}

/** The counters that settlements may give back to. */
export function bucketsOfSettlements(
  settlements: readonly Settlement[],
  messages: ReadonlyMap<string, LockedMessage>,
): string[] {
  return settlements.filter(givesBack).flatMap(({ messageId }) => bucketsIn(messages.get(messageId)))
}

/** Surely not accepted: it does not count towards the address's cap and the campaign's limits. */
function givesBack({ to }: Settlement): boolean {
  return to === 'pending' || to === 'failed'
}

function bucketsIn(found: LockedMessage | undefined): string[] {
  return found?.counted ? (JSON.parse(found.counted) as string[]) : []
}

function keyOf(messageId: string, number: number): string {
  return `${messageId} ${number}`
}

/** Business time of the settlement. */
const at = given(message.updatedAt)
/** Nothing counts or doubts any more. */
const over = { counted: null, doubtSince: null, updatedAt: at }

type MessageChange = Parameters<ReturnType<typeof updateMessages>['set']>[0]

function updateMessages(db: Database) {
  return db.update(message)
}

async function moveMessages(
  db: Database,
  settlements: readonly Settlement[] | undefined,
  change: MessageChange,
): Promise<void> {
  if (settlements === undefined) return
  const rows = settlements.map(({ messageId: id, sesId, again, at: updatedAt }) => ({
    id,
    sesId,
    // The type of an insert does not know that nothing is given here.
    notBefore: again?.notBefore ?? (null as unknown as number),
    wait: again?.wait ?? null,
    updatedAt,
  }))
  await updateMessages(db)
    .set(change)
    .from(givenRows(message, ['id', 'sesId', 'notBefore', 'wait', 'updatedAt'], rows))
    .where(eq(message.id, given(message.id)))
}

const beforeColumns = {
  number: attempt.number,
  messageId: attempt.messageId,
  outcome: attempt.outcome,
  beganAt: attempt.beganAt,
  endedAt: attempt.endedAt,
}

const fillColumns = ['number', 'messageId', 'outcome', 'code', 'requestId', 'sesId', 'beganAt', 'endedAt'] as const
