import { and, asc, eq, isNull, lte, type SQL } from 'drizzle-orm'
import type { Stage } from '#core/campaign.ts'
import { type Limit, roomLeft } from '#core/caps.ts'
import type { Clocks } from '#core/clock.ts'
import type { Instant } from '#core/instant.ts'
import { mostUrgent, priorityOf } from '#core/stages.ts'
import type { Outbox, PendingMessage } from '../ledger.ts'
import type { Connection, Database } from './connection.ts'
import { exchangeOf } from './exchange.ts'
import { among, given, givenRows } from './given-rows.ts'
import { cap, enabled, message, reminder } from './schema.ts'
import { postgresSendable } from './sendable.ts'

/** Messages on their way out: taken up, re-planned, claimed, settled. */
export function postgresOutbox(connection: Connection, clocks: Clocks): Outbox {
  return {
    sendable: postgresSendable(connection),
    rooms: (limits) => connection.read((db) => rooms(db, limits)),
    load: (messageId) => connection.read((db) => load(db, messageId)),
    prune: (messageId, change, at) => connection.write((db) => prune(db, messageId, change, at)),
    async defer(messageId, { notBefore, notAfter, wait }) {
      await connection.write((db) =>
        db
          .update(message)
          .set({ notBefore, notAfter, wait, updatedAt: clocks.business() })
          // Never to an earlier time: another worker may have had a reason to wait longer.
          .where(and(isPending(messageId), lte(message.notBefore, notBefore))),
      )
    },
    ...exchangeOf(connection, clocks),
  }
}

async function rooms(db: Database, limits: ReadonlyMap<string, readonly Limit[]>): Promise<Map<string, number>> {
  const buckets = [...limits.values()].flat().map(({ bucket }) => bucket)
  const rows = await db.select({ bucket: cap.bucket, count: cap.count }).from(cap).where(among(cap.bucket, buckets))
  const counts = new Map(rows.map(({ bucket, count }) => [bucket, count]))
  return new Map([...limits].map(([key, own]) => [key, roomLeft(own, (bucket) => counts.get(bucket) ?? 0)]))
}

/** In one statement: the message and its reminders as they are at one moment. */
async function load(db: Database, messageId: string): Promise<PendingMessage | null> {
  const rows = await db
    .select({
      message: {
        id: message.id,
        campaign: message.campaign,
        address: message.address,
        recipientKey: message.recipientKey,
        reference: message.reference,
        notBefore: message.notBefore,
      },
      editionHash: enabled.editionHash,
      reminder: {
        id: reminder.id,
        pinId: reminder.pinId,
        version: reminder.version,
        stage: reminder.stage,
        dueAt: reminder.dueAt,
      },
    })
    .from(message)
    .innerJoin(enabled, eq(enabled.campaign, message.campaign))
    .leftJoin(reminder, and(eq(reminder.messageId, message.id), isNull(reminder.outcome)))
    .where(isPending(messageId))
    .orderBy(asc(reminder.id))
  const [first] = rows
  if (first === undefined || first.message.address === null) return null

  const { address, recipientKey } = first.message
  const reminders = rows.map((row) => row.reminder).filter((one) => one !== null)
  return {
    ...first.message,
    address,
    editionHash: first.editionHash,
    reminders: reminders.map((one) => ({ ...one, stage: one.stage as Stage, recipientKey, messageId })),
  }
}

async function prune(
  db: Database,
  messageId: string,
  { skips, releases }: Parameters<Outbox['prune']>[1],
  at: Instant,
): Promise<void> {
  const [found] = await db.select({ id: message.id }).from(message).where(isPending(messageId)).for('update')
  if (found === undefined) return

  if (skips.length > 0) {
    await db
      .update(reminder)
      .set({ outcome: 'skipped', reason: given(reminder.reason), decidedAt: at })
      .from(givenRows(reminder, ['id', 'reason'], skips))
      .where(and(isOpenIn(messageId), eq(reminder.id, given(reminder.id))))
  }
  if (releases.length > 0) {
    await db
      .update(reminder)
      .set({ messageId: null })
      .where(and(isOpenIn(messageId), among(reminder.id, releases)))
  }
  await settleRest(db, messageId, at)
}

/** A message keeps the stage of its most urgent reminder; one without any has nothing to say. */
async function settleRest(db: Database, messageId: string, at: Instant): Promise<void> {
  const open = await db.selectDistinct({ stage: reminder.stage }).from(reminder).where(isOpenIn(messageId))
  const stages = open.map((row) => row.stage as Stage)
  const change = stages.length === 0 ? { state: 'skipped' as const } : ranked(mostUrgent(stages))
  await db
    .update(message)
    .set({ ...change, updatedAt: at })
    .where(isPending(messageId))
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
