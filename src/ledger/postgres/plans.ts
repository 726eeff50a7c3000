import { randomBytes } from 'node:crypto'
import { and, asc, eq, inArray, isNull, or, sql } from 'drizzle-orm'
import type { Stage } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import { countSkips, type NewReminder, reopenable, type SkipReason } from '#core/reminder.ts'
import { ulid } from '#core/ulid.ts'
import { assemblePage } from '../assemble-page.ts'
import type { PlanBook } from '../ledger.ts'
import { AssemblyMemory } from './assembly.ts'
import type { Connection, Database } from './connection.ts'
import { among, insertReturning } from './given-rows.ts'
import { message, reminder, scan } from './schema.ts'

const ulidRandomBytes = 10

export function postgresPlans(connection: Connection): PlanBook {
  return {
    known: (campaign, pinIds) =>
      connection.read(async (db) => {
        const rows = await db
          .select(knownColumns)
          .from(reminder)
          .where(and(eq(reminder.campaign, campaign), among(reminder.pinId, pinIds)))
        return rows.map((row) => ({ ...row, stage: row.stage as Stage, reason: row.reason as SkipReason | null }))
      }),

    write: (campaign, { inserts, reopens }, at) =>
      connection.write(async (db) => {
        const inserted = await insertNew(db, campaign, inserts, { at, databaseAt: await connection.now(db) })
        if (reopens.length > 0) await reopen(db, campaign, reopens)
        return inserted
      }),

    open: (campaign, after, limit) =>
      connection.read(async (db) => {
        const rows = await db
          .select(openColumns)
          .from(reminder)
          .leftJoin(message, eq(message.id, reminder.messageId))
          .where(
            and(
              eq(reminder.campaign, campaign),
              isNull(reminder.outcome),
              or(isNull(reminder.messageId), eq(message.state, 'pending')),
              after === null
                ? undefined
                : sql`(${reminder.recipientKey}, ${reminder.id}) > (${after.recipientKey}, ${after.id})`,
            ),
          )
          .orderBy(asc(reminder.recipientKey), asc(reminder.id))
          .limit(limit)
        return rows.map((row) => ({ ...row, stage: row.stage as Stage }))
      }),

    assemble: (campaign, page, at) =>
      connection.write(
        async (db) => {
          const memory = await AssemblyMemory.load(db, campaign, page, at)
          const result = assemblePage(memory, page, { at, databaseAt: await connection.now(db) })
          await memory.save(db)
          return result
        },
        // Of one campaign one at a time: two would make two messages to one address.
        { lock: { name: `assembly ${campaign}`, shared: false }, limitMs: 10_000 },
      ),

    async recordScan(record) {
      await connection.write((db) =>
        db.insert(scan).values(record).onConflictDoUpdate({ target: scan.campaign, set: record }),
      )
    },

    lastScans: () => connection.read((db) => db.select().from(scan).orderBy(asc(scan.campaign))),
  }
}

/** Inserts what is not there yet, and counts that alone. */
async function insertNew(
  db: Database,
  campaign: string,
  inserts: readonly NewReminder[],
  { at, databaseAt }: { at: Instant; databaseAt: Instant },
) {
  const random = randomBytes(inserts.length * ulidRandomBytes)
  const rows = inserts.map(({ skip, recipientKey, ...row }, index) => ({
    ...row,
    id: ulid(databaseAt, random.subarray(index * ulidRandomBytes, (index + 1) * ulidRandomBytes)),
    campaign,
    recipientKey: skip === null ? (recipientKey ?? unknownRecipient) : recipientKey,
    outcome: skip === null ? null : ('skipped' as const),
    reason: skip,
    decidedAt: skip === null ? null : at,
    createdAt: at,
  }))
  const fresh = sql`on conflict do nothing`
  const written = await insertReturning(db, reminder, insertColumns, rows, ['reason'], fresh)
  const skips = written.map((row) => row.reason as SkipReason | null).filter((reason) => reason !== null)
  return { planned: written.length - skips.length, skipped: countSkips(skips) }
}

/** Open reminders are paged by recipient: one whose recipient is not known before its assembly comes first. */
const unknownRecipient = ''

const insertColumns = [
  'id',
  'campaign',
  'pinId',
  'version',
  'stage',
  'dueAt',
  'recipientKey',
  'outcome',
  'reason',
  'decidedAt',
  'createdAt',
] as const

/** Takes back skips in which the portal may have erred; a reminder that was decided otherwise meanwhile stays decided. */
async function reopen(db: Database, campaign: string, ids: readonly string[]): Promise<void> {
  await db
    .update(reminder)
    .set({
      outcome: null,
      reason: null,
      decidedAt: null,
      messageId: null,
      recipientKey: sql`coalesce(${reminder.recipientKey}, ${unknownRecipient})`,
    })
    .where(
      and(
        among(reminder.id, ids),
        eq(reminder.campaign, campaign),
        eq(reminder.outcome, 'skipped'),
        inArray(reminder.reason, [...reopenable]),
      ),
    )
}

const knownColumns = {
  id: reminder.id,
  pinId: reminder.pinId,
  version: reminder.version,
  stage: reminder.stage,
  outcome: reminder.outcome,
  reason: reminder.reason,
}

const openColumns = {
  id: reminder.id,
  pinId: reminder.pinId,
  version: reminder.version,
  stage: reminder.stage,
  dueAt: reminder.dueAt,
  // Never null while a reminder is open.
  recipientKey: sql<string>`${reminder.recipientKey}`,
  messageId: reminder.messageId,
}
