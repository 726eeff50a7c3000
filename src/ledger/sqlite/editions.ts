import { eq } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Edition } from '#core/letter.ts'
import type { EditionBook } from '../ledger.ts'
import { editionOf } from '../rows.ts'
import { appendAudit } from './audit.ts'
import type { Connection } from './connection.ts'
import { openGate, readGate } from './gates.ts'
import { edition, enabled } from './schema.ts'

export function sqliteEditions(connection: Connection): EditionBook {
  const { db } = connection
  return {
    enable: (next, by) =>
      connection.write(() => {
        const now = connection.now()
        const campaign = next.campaign.key
        const before = stateOf(db, campaign)
        store(db, next, now)
        const gate = openGate(db, campaign, by, now)
        appendAudit(db, now, { by, action: 'campaign.enable', subject: campaign, before, after: stateOf(db, campaign) })
        return gate
      }),
    current: (campaign) =>
      connection.read(() => first(enabledEditions(db).where(eq(enabled.campaign, campaign)).all())),
    all: () => connection.read(() => enabledEditions(db).orderBy(enabled.campaign).all().map(editionOf)),
    byHash: (hash) =>
      connection.read(() => first(db.select(columns).from(edition).where(eq(edition.hash, hash)).all())),
  }
}

/** Keeps the edition, unless it is there already, and makes it the campaign's. */
function store(db: BetterSQLite3Database, next: Edition, at: number): void {
  const { hash, campaign, template } = next
  const body = JSON.stringify({ campaign, template })
  db.insert(edition).values({ hash, campaign: campaign.key, body, createdAt: at }).onConflictDoNothing().run()
  db.insert(enabled)
    .values({ campaign: campaign.key, editionHash: hash })
    .onConflictDoUpdate({ target: enabled.campaign, set: { editionHash: hash } })
    .run()
}

/** For the audit: the gate, and which edition is the campaign's. */
function stateOf(db: BetterSQLite3Database, campaign: string): object {
  const current = db.select().from(enabled).where(eq(enabled.campaign, campaign)).get()
  return { gate: readGate(db, campaign), edition: current?.editionHash ?? null }
}

function enabledEditions(db: BetterSQLite3Database) {
  return db.select(columns).from(enabled).innerJoin(edition, eq(edition.hash, enabled.editionHash)).$dynamic()
}

function first([row]: readonly { hash: string; body: string }[]): Edition | null {
  return row === undefined ? null : editionOf(row)
}

const columns = { hash: edition.hash, body: edition.body }
