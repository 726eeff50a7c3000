import { and, asc, eq, isNull, lte, type SQL } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Stage } from '#core/campaign.ts'
import { type Limit, roomLeft } from '#core/caps.ts'
import type { Clocks } from '#core/clock.ts'
import type { Instant } from '#core/instant.ts'
import { mostUrgent, priorityOf } from '#core/stages.ts'
import type { Outbox, PendingMessage } from '../ledger.ts'
import { sqliteClaim } from './claim.ts'
import type { Connection } from './connection.ts'
import { among } from './json-list.ts'
import { cap, enabled, message, reminder } from './schema.ts'
import { sqliteSendable } from './sendable.ts'
import { sqliteSettle } from './settle.ts'

/** Messages on their way out: taken up, re-planned, claimed, settled. */
export function sqliteOutbox(connection: Connection, clocks: Clocks): Outbox {
  const { db } = connection
  return {
    sendable: sqliteSendable(connection),
    rooms: (limits) => connection.read(() => rooms(db, limits)),
    load: (messageId) => connection.read(() => load(db, messageId)),
    prune: (messageId, change, at) => connection.write(() => prune(db, messageId, change, at)),
    defer: (messageId, { notBefore, notAfter, wait }) =>
      connection.write(() => {
        db.update(message)
          .set({ notBefore, notAfter, wait, updatedAt: clocks.business() })
          // Never to an earlier time: another worker may have had a reason to wait longer.
          .where(and(isPending(messageId), lte(message.notBefore, notBefore)))
          .run()
      }),
    claim: sqliteClaim(connection, clocks),
    settle: sqliteSettle(connection),
  }
}

function rooms(db: BetterSQLite3Database, limits: ReadonlyMap<string, readonly Limit[]>): Map<string, number> {
  const buckets = [...limits.values()].flat().map(({ bucket }) => bucket)
  const rows = db.select({ bucket: cap.bucket, count: cap.count }).from(cap).where(among(cap.bucket, buckets)).all()
  const counts = new Map(rows.map(({ bucket, count }) => [bucket, count]))
  return new Map([...limits].map(([key, own]) => [key, roomLeft(own, (bucket) => counts.get(bucket) ?? 0)]))
}

function load(db: BetterSQLite3Database, messageId: string): PendingMessage | null {
  const found = db
    .select({
      id: message.id,
      campaign: message.campaign,
      address: message.address,
      recipientKey: message.recipientKey,
      reference: message.reference,
      notBefore: message.notBefore,
      editionHash: enabled.editionHash,
    })
    .from(message)
    .innerJoin(enabled, eq(enabled.campaign, message.campaign))
    .where(isPending(messageId))
    .get()
  if (found === undefined || found.address === null) return null

  const { address, recipientKey } = found
  const rows = db
    .select({
      id: reminder.id,
      pinId: reminder.pinId,
      version: reminder.version,
      stage: reminder.stage,
      dueAt: reminder.dueAt,
    })
    .from(reminder)
    .where(isOpenIn(messageId))
    .orderBy(asc(reminder.id))
    .all()
  return {
    ...found,
    address,
    reminders: rows.map((row) => ({ ...row, stage: row.stage as Stage, recipientKey, messageId })),
  }
}

function prune(
  db: BetterSQLite3Database,
  messageId: string,
  { skips, releases }: Parameters<Outbox['prune']>[1],
  at: Instant,
): void {
  const found = db.select({ state: message.state }).from(message).where(isPending(messageId)).get()
  if (found === undefined) return

  for (const { id, reason } of skips) {
    db.update(reminder)
      .set({ outcome: 'skipped', reason, decidedAt: at })
      .where(and(isOpenIn(messageId), eq(reminder.id, id)))
      .run()
  }
  db.update(reminder)
    .set({ messageId: null })
    .where(and(isOpenIn(messageId), among(reminder.id, releases)))
    .run()
  settleRest(db, messageId, at)
}

/** A message keeps the stage of its most urgent reminder; one without any has nothing to say. */
function settleRest(db: BetterSQLite3Database, messageId: string, at: Instant): void {
  const open = db.selectDistinct({ stage: reminder.stage }).from(reminder).where(isOpenIn(messageId)).all()
  const stages = open.map((row) => row.stage as Stage)
  const change = stages.length === 0 ? { state: 'skipped' as const } : ranked(mostUrgent(stages))
  db.update(message)
    .set({ ...change, updatedAt: at })
    .where(isPending(messageId))
    .run()
}

function ranked(stage: Stage): { stage: Stage; priority: number } {
  return { stage, priority: priorityOf(stage) }
}

function isPending(messageId: string): SQL | undefined {
  return and(eq(message.id, messageId), eq(message.state, 'pending'))
}

function isOpenIn(messageId: string): SQL | undefined {
  return and(eq(reminder.messageId, messageId), isNull(reminder.outcome))
}
