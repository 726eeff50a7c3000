import { randomBytes } from 'node:crypto'
import { and, asc, eq, inArray, isNull, or, sql } from 'drizzle-orm'
import type { Stage } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import { countSkips, type NewReminder, reopenable, type SkipReason } from '#core/reminder.ts'
import { ulid } from '#core/ulid.ts'
import { assemblePage } from '../assemble-page.ts'
import type { PlanBook } from '../ledger.ts'
import { assemblyTables, prepareAssembly } from './assembly.ts'
import type { Connection } from './connection.ts'
import { among } from './json-list.ts'
import { prepared } from './prepared.ts'
import { message, reminder, scan } from './schema.ts'

const ulidRandomBytes = 10

export function sqlitePlans(connection: Connection): PlanBook {
  const { db } = connection
  const insertOne = prepared(() => prepareInsert(connection))
  const assembly = prepared(() => prepareAssembly(connection))
  return {
    known: (campaign, pinIds) =>
      connection.read(() =>
        db
          .select(knownColumns)
          .from(reminder)
          .where(and(eq(reminder.campaign, campaign), among(reminder.pinId, pinIds)))
          .all()
          .map((row) => ({ ...row, stage: row.stage as Stage, reason: row.reason as SkipReason | null })),
      ),

    write: (campaign, { inserts, reopens }, at) =>
      connection.write(() => {
        const inserted = insertNew(insertOne(), campaign, inserts, { at, databaseAt: connection.now() })
        if (reopens.length > 0) reopen(connection, campaign, reopens)
        return inserted
      }),

    open: (campaign, after, limit) =>
      connection.read(() =>
        db
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
          .all()
          .map((row) => ({ ...row, stage: row.stage as Stage })),
      ),

    assemble: (campaign, page, at) =>
      connection.write(() =>
        assemblePage(assemblyTables(assembly(), campaign, at), page, { at, databaseAt: connection.now() }),
      ),

    async recordScan(record) {
      await connection.write(() => {
        db.insert(scan).values(record).onConflictDoUpdate({ target: scan.campaign, set: record }).run()
      })
    },

    lastScans: () => connection.read(() => db.select().from(scan).orderBy(asc(scan.campaign)).all()),
  }
}

/** Inserts what is not there yet, and counts that alone. */
function insertNew(
  insertOne: ReturnType<typeof prepareInsert>,
  campaign: string,
  inserts: readonly NewReminder[],
  { at, databaseAt }: { at: Instant; databaseAt: Instant },
) {
  const random = randomBytes(inserts.length * ulidRandomBytes)
  const written = inserts.filter((row, index) => {
    const id = ulid(databaseAt, random.subarray(index * ulidRandomBytes, (index + 1) * ulidRandomBytes))
    const { changes } = insertOne.run({
      ...row,
      id,
      campaign,
      recipientKey: row.skip === null ? (row.recipientKey ?? unknownRecipient) : row.recipientKey,
      outcome: row.skip === null ? null : 'skipped',
      decidedAt: row.skip === null ? null : at,
      createdAt: at,
    })
    return changes === 1
  })
  const skips = written.map((row) => row.skip).filter((skip) => skip !== null)
  return { planned: written.length - skips.length, skipped: countSkips(skips) }
}

/** Open reminders are paged by recipient: one whose recipient is not known before its assembly comes first. */
const unknownRecipient = ''

function prepareInsert({ db }: Connection) {
  return db
    .insert(reminder)
    .values({
      id: sql.placeholder('id'),
      campaign: sql.placeholder('campaign'),
      pinId: sql.placeholder('pinId'),
      version: sql.placeholder('version'),
      stage: sql.placeholder('stage'),
      dueAt: sql.placeholder('dueAt'),
      recipientKey: sql.placeholder('recipientKey'),
      outcome: sql.placeholder('outcome'),
      reason: sql.placeholder('skip'),
      decidedAt: sql.placeholder('decidedAt'),
      createdAt: sql.placeholder('createdAt'),
    })
    .onConflictDoNothing()
    .prepare()
}

/** Takes back skips in which the portal may have erred; a reminder that was decided otherwise meanwhile stays decided. */
function reopen(connection: Connection, campaign: string, ids: readonly string[]): void {
  connection.db
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
        // The `+` keeps SQLite from reading the whole campaign for a handful of ids.
        sql`+${reminder.campaign} = ${campaign}`,
        eq(reminder.outcome, 'skipped'),
        inArray(reminder.reason, [...reopenable]),
      ),
    )
    .run()
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
