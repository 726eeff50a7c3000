import { and, asc, eq, isNull, sql } from 'drizzle-orm'
import type { Instant } from '#core/instant.ts'
import type { Ramp } from '#core/pace.ts'
import { type By, type Closing, claimProtocol, everything, type Gate, type GateBook } from '../ledger.ts'
import { appendAudit, lastAudit } from './audit.ts'
import { type Beginning, type Connection, type Database, gatesLock, insistent } from './connection.ts'
import { attempt, gate, message, pace, receipt } from './schema.ts'

/** A change of what claims look at: it waits for those that have begun, and those that begin later see it. */
export const gateChange: Beginning = { lock: { name: gatesLock, shared: false }, limitMs: 5_000 }

/**
 * The stop must work on ledgers of every version: beside the ramp and the end of the audit, nothing here may use a table or column that
 * was not in `gate`, `audit`, `attempt`, `message` or `receipt` from the first migration on.
 */
export function postgresGates(connection: Connection): GateBook {
  return {
    list: () =>
      connection.read((db) =>
        db.select(gateColumns).from(gate).orderBy(sql`${gate.scope} <> ${everything}`, asc(gate.scope)),
      ),
    read: (scope) => connection.read((db) => readGate(db, scope)),
    close: (scope, by) =>
      connection.insist(insistent, () =>
        connection.transact(async (db) => closeGate(db, scope, by, await connection.now(db)), gateChange),
      ),
    open: (scope, by, ramp) =>
      connection.write(async (db) => {
        const now = await connection.now(db)
        const before = await readGate(db, scope)
        if (before?.state === 'on' && (await hasOwnProtocol(db, scope))) return before
        const opened = await openGate(db, scope, by, now)
        if (ramp !== null) await writeRamp(db, { factor: ramp.factor, fromAt: now, untilAt: now + ramp.forMs })
        await appendAudit(db, now, { by, action: 'gate.open', subject: scope, before, after: { ...opened, ramp } })
        return opened
      }, gateChange),
  }
}

/** null: never opened. */
export async function readGate(db: Database, scope: string): Promise<Gate | null> {
  const [found] = await db.select(gateColumns).from(gate).where(eq(gate.scope, scope))
  return found ?? null
}

/** Opens a gate inside the caller's `gateChange`, which writes the audit. */
export async function openGate(db: Database, scope: string, by: By, at: Instant): Promise<Gate> {
  return setGate(db, await readGate(db, scope), { scope, state: 'on', ...by, since: at })
}

/** A gate that was opened for claims of another version is closed to those of this one. */
async function hasOwnProtocol(db: Database, scope: string): Promise<boolean> {
  const [row] = await db.select({ claimProtocol: gate.claimProtocol }).from(gate).where(eq(gate.scope, scope))
  return row?.claimProtocol === claimProtocol
}

async function closeGate(db: Database, scope: string, by: By, at: Instant): Promise<Closing> {
  const before = await readGate(db, scope)
  if (before?.state === 'off') return { gate: before, changed: false, ...(await firstReceipt(db, before)) }

  const closed = await setGate(db, before, { scope, state: 'off', ...by, since: at })
  const inFlight = await openAttempts(db, scope)
  const auditHash = await appendAudit(db, at, {
    by,
    action: 'gate.close',
    subject: scope,
    before,
    after: { ...closed, inFlight },
  })
  await db.insert(receipt).values({ scope, epoch: closed.epoch, inFlight: JSON.stringify(inFlight), auditHash })
  return { gate: closed, changed: true, inFlight, auditHash }
}

async function setGate(db: Database, before: Gate | null, next: Omit<Gate, 'epoch'>): Promise<Gate> {
  const epoch = before === null ? 0 : before.epoch + 1
  const { scope, ...rest } = { ...next, epoch, claimProtocol }
  await db
    .insert(gate)
    .values({ scope, ...rest })
    .onConflictDoUpdate({ target: gate.scope, set: rest })
  return { ...next, epoch }
}

/** What the closing found that this gate is still closed by. */
async function firstReceipt(db: Database, closed: Gate): Promise<Pick<Closing, 'inFlight' | 'auditHash'>> {
  const [found] = await db
    .select({ inFlight: receipt.inFlight, auditHash: receipt.auditHash })
    .from(receipt)
    .where(and(eq(receipt.scope, closed.scope), eq(receipt.epoch, closed.epoch)))
  if (found === undefined) return { inFlight: [], auditHash: (await lastAudit(db)).hash }
  return { inFlight: JSON.parse(found.inFlight) as number[], auditHash: found.auditHash }
}

/** Numbers of the attempts without an end: all, or those of one campaign's messages. */
async function openAttempts(db: Database, scope: string): Promise<number[]> {
  const numbers = db.select({ number: attempt.number }).from(attempt).$dynamic()
  const open =
    scope === everything
      ? numbers.where(isNull(attempt.endedAt))
      : numbers
          .innerJoin(message, eq(message.id, attempt.messageId))
          .where(and(isNull(attempt.endedAt), eq(message.campaign, scope)))
  return (await open.orderBy(asc(attempt.number))).map((row) => row.number)
}

async function writeRamp(db: Database, ramp: Ramp): Promise<void> {
  await db.update(pace).set({ resumeRamp: JSON.stringify(ramp) })
}

const gateColumns = {
  scope: gate.scope,
  state: gate.state,
  epoch: gate.epoch,
  reason: gate.reason,
  actor: gate.actor,
  since: gate.since,
}
