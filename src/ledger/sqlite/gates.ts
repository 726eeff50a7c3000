import { and, asc, eq, isNull, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Instant } from '#core/instant.ts'
import type { Ramp } from '#core/pace.ts'
import { CommitAnswerLost } from '../commit-answer-lost.ts'
import { type By, type Closing, claimProtocol, everything, type Gate, type GateBook } from '../ledger.ts'
import { appendAudit, lastAudit } from './audit.ts'
import { type Connection, insistent } from './connection.ts'
import { attempt, gate, message, pace, receipt } from './schema.ts'

/**
 * The stop must work on ledgers of every version: beside the ramp, nothing here may use a table or column that was not in
 * `gate`, `audit`, `attempt`, `message` or `receipt` from the first migration on.
 */
export function sqliteGates(connection: Connection): GateBook {
  const { db } = connection
  return {
    list: () =>
      connection.read(() =>
        db.select(gateColumns).from(gate).orderBy(sql`${gate.scope} <> ${everything}`, asc(gate.scope)).all(),
      ),
    read: (scope) => connection.read(() => readGate(db, scope)),
    async close(scope, by) {
      const close = () => connection.write(() => closeGate(db, scope, by, connection.now()), insistent)
      try {
        return await close()
      } catch (error) {
        if (!(error instanceof CommitAnswerLost)) throw error
        return await close()
      }
    },
    open: (scope, by, ramp) =>
      connection.write(() => {
        const now = connection.now()
        const before = readGate(db, scope)
        if (before?.state === 'on' && hasOwnProtocol(db, scope)) return before
        const opened = openGate(db, scope, by, now)
        if (ramp !== null) writeRamp(db, { factor: ramp.factor, fromAt: now, untilAt: now + ramp.forMs })
        appendAudit(db, now, { by, action: 'gate.open', subject: scope, before, after: { ...opened, ramp } })
        return opened
      }),
  }
}

/** null: never opened. */
export function readGate(db: BetterSQLite3Database, scope: string): Gate | null {
  return db.select(gateColumns).from(gate).where(eq(gate.scope, scope)).get() ?? null
}

/** Opens a gate inside the caller's transaction, which writes the audit. */
export function openGate(db: BetterSQLite3Database, scope: string, by: By, at: Instant): Gate {
  return setGate(db, readGate(db, scope), { scope, state: 'on', ...by, since: at })
}

/** A gate that was opened for claims of another version is closed to those of this one. */
function hasOwnProtocol(db: BetterSQLite3Database, scope: string): boolean {
  const row = db.select({ claimProtocol: gate.claimProtocol }).from(gate).where(eq(gate.scope, scope)).get()
  return row?.claimProtocol === claimProtocol
}

function closeGate(db: BetterSQLite3Database, scope: string, by: By, at: Instant): Closing {
  const before = readGate(db, scope)
  if (before?.state === 'off') return { gate: before, changed: false, ...firstReceipt(db, before) }

  const closed = setGate(db, before, { scope, state: 'off', ...by, since: at })
  const inFlight = openAttempts(db, scope)
  const auditHash = appendAudit(db, at, {
    by,
    action: 'gate.close',
    subject: scope,
    before,
    after: { ...closed, inFlight },
  })
  db.insert(receipt)
    .values({ scope, epoch: closed.epoch, inFlight: JSON.stringify(inFlight), auditHash })
    .run()
  return { gate: closed, changed: true, inFlight, auditHash }
}

function setGate(db: BetterSQLite3Database, before: Gate | null, next: Omit<Gate, 'epoch'>): Gate {
  const epoch = before === null ? 0 : before.epoch + 1
  const { scope, ...rest } = { ...next, epoch, claimProtocol }
  db.insert(gate)
    .values({ scope, ...rest })
    .onConflictDoUpdate({ target: gate.scope, set: rest })
    .run()
  return { ...next, epoch }
}

/** What the closing found that this gate is still closed by. */
function firstReceipt(db: BetterSQLite3Database, closed: Gate): Pick<Closing, 'inFlight' | 'auditHash'> {
  const found = db
    .select({ inFlight: receipt.inFlight, auditHash: receipt.auditHash })
    .from(receipt)
    .where(and(eq(receipt.scope, closed.scope), eq(receipt.epoch, closed.epoch)))
    .get()
  if (found === undefined) return { inFlight: [], auditHash: lastAudit(db).hash }
  return { inFlight: JSON.parse(found.inFlight) as number[], auditHash: found.auditHash }
}

/** Numbers of the attempts without an end: all, or those of one campaign's messages. */
function openAttempts(db: BetterSQLite3Database, scope: string): number[] {
  const numbers = db.select({ number: attempt.number }).from(attempt).$dynamic()
  const open =
    scope === everything
      ? numbers.where(isNull(attempt.endedAt))
      : numbers
          .innerJoin(message, eq(message.id, attempt.messageId))
          .where(and(isNull(attempt.endedAt), eq(message.campaign, scope)))
  return open
    .orderBy(asc(attempt.number))
    .all()
    .map((row) => row.number)
}

function writeRamp(db: BetterSQLite3Database, ramp: Ramp): void {
  db.update(pace)
    .set({ resumeRamp: JSON.stringify(ramp) })
    .run()
}

const gateColumns = {
  scope: gate.scope,
  state: gate.state,
  epoch: gate.epoch,
  reason: gate.reason,
  actor: gate.actor,
  since: gate.since,
}
