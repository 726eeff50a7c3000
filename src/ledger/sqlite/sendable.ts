import { and, asc, eq, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Instant } from '#core/instant.ts'
import { feedWalks, mostUrgentIds, openCampaigns, type SendableMessage } from '../feed-walks.ts'
import type { Among, Outbox } from '../ledger.ts'
import type { Connection } from './connection.ts'
import { among } from './json-list.ts'
import { mayBeTried, pendingPriorities, prepareNextPriority } from './pending-levels.ts'
import { prepared } from './prepared.ts'
import { gate, message } from './schema.ts'

/** Ids of the messages that may be tried now, most urgent first. */
export function sqliteSendable(connection: Connection): Outbox['sendable'] {
  const statements = prepared(() => prepareSendable(connection.db))
  return (at, limit, among = {}) => connection.read(() => sendable(statements(), at, limit, among))
}

function sendable(statements: Statements, at: Instant, limit: number, among: Among): string[] {
  const walks = feedWalks(openCampaigns(statements.openGates.all()), limit, among)
  return mostUrgentIds(
    walks.flatMap((one) => walk(statements, at, one.campaigns, one.limit)),
    limit,
  )
}

function walk(statements: Statements, at: Instant, campaigns: readonly string[], limit: number): SendableMessage[] {
  const found: SendableMessage[] = []
  for (const priority of pendingPriorities(statements.nextPriority)) {
    const due = statements.due.all({ priority, at, campaigns: JSON.stringify(campaigns), limit: limit - found.length })
    for (const { id, notBefore } of due) found.push({ id, notBefore, priority })
    if (found.length >= limit) break
  }
  return found
}

type Statements = ReturnType<typeof prepareSendable>

export function prepareSendable(db: BetterSQLite3Database) {
  return {
    openGates: db
      .select({ scope: gate.scope, claimProtocol: gate.claimProtocol })
      .from(gate)
      .where(eq(gate.state, 'on'))
      .prepare(),
    nextPriority: prepareNextPriority(db),
    due: db
      .select({ id: message.id, notBefore: message.notBefore })
      .from(message)
      .where(and(mayBeTried, among(message.campaign, sql.placeholder('campaigns'))))
      .orderBy(asc(message.notBefore), asc(message.id))
      .limit(sql.placeholder('limit'))
      .prepare(),
  }
}
