import { eq } from 'drizzle-orm'
import type { Edition } from '#core/letter.ts'
import type { EditionBook } from '../ledger.ts'
import { editionOf } from '../rows.ts'
import { appendAudit } from './audit.ts'
import type { Connection, Database } from './connection.ts'
import { gateChange, openGate, readGate } from './gates.ts'
import { edition, enabled } from './schema.ts'

export function postgresEditions(connection: Connection): EditionBook {
  return {
    enable: (next, by) =>
      connection.write(async (db) => {
        const now = await connection.now(db)
        const campaign = next.campaign.key
        const before = await stateOf(db, campaign)
        await store(db, next, now)
        const gate = await openGate(db, campaign, by, now)
        const after = await stateOf(db, campaign)
        await appendAudit(db, now, { by, action: 'campaign.enable', subject: campaign, before, after })
        return gate
      }, gateChange),
    current: (campaign) =>
      connection.read(async (db) => first(await enabledEditions(db).where(eq(enabled.campaign, campaign)))),
    all: () => connection.read(async (db) => (await enabledEditions(db).orderBy(enabled.campaign)).map(editionOf)),
    byHash: (hash) =>
      connection.read(async (db) => first(await db.select(columns).from(edition).where(eq(edition.hash, hash)))),
  }
}

/** Keeps the edition, unless it is there already, and makes it the campaign's. */
async function store(db: Database, next: Edition, at: number): Promise<void> {
  const { hash, campaign, template } = next
  const body = JSON.stringify({ campaign, template })
  await db.insert(edition).values({ hash, campaign: campaign.key, body, createdAt: at }).onConflictDoNothing()
  await db
    .insert(enabled)
    .values({ campaign: campaign.key, editionHash: hash })
    .onConflictDoUpdate({ target: enabled.campaign, set: { editionHash: hash } })
}

/** For the audit: the gate, and which edition is the campaign's. */
async function stateOf(db: Database, campaign: string): Promise<object> {
  const [current] = await db.select().from(enabled).where(eq(enabled.campaign, campaign))
  return { gate: await readGate(db, campaign), edition: current?.editionHash ?? null }
}

function enabledEditions(db: Database) {
  return db.select(columns).from(enabled).innerJoin(edition, eq(edition.hash, enabled.editionHash)).$dynamic()
}

function first([row]: readonly { hash: string; body: string }[]): Edition | null {
  return row === undefined ? null : editionOf(row)
}

const columns = { hash: edition.hash, body: edition.body }
