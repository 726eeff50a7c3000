import { and, asc, eq, gt, isNull, lte, min, or, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Instant } from '#core/instant.ts'
import { feedWalks, mostUrgentIds, openCampaigns, type SendableMessage } from '../feed-walks.ts'
import type { Among, Outbox } from '../ledger.ts'
import type { Connection } from './connection.ts'
import { among } from './json-list.ts'
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

/** One priority after the other: within one, the index is in order of time, and what is not due yet is never looked at. */
function walk(statements: Statements, at: Instant, campaigns: readonly string[], limit: number): SendableMessage[] {
  const found: SendableMessage[] = []
  let priority = statements.nextPriority.get({ after: -1 })?.priority ?? null
  while (priority !== null && found.length < limit) {
    const due = statements.due.all({ priority, at, campaigns: JSON.stringify(campaigns), limit: limit - found.length })
    for (const { id, notBefore } of due) found.push({ id, notBefore, priority })
    priority = statements.nextPriority.get({ after: priority })?.priority ?? null
  }
  return found
}

type Statements = ReturnType<typeof prepareSendable>

export function prepareSendable(db: BetterSQLite3Database) {
  const at = sql.placeholder('at')
  // As in the partial index, word for word.
  const pending = sql`${message.state} = 'pending'`
  return {
    openGates: db
      .select({ scope: gate.scope, claimProtocol: gate.claimProtocol })
      .from(gate)
      .where(eq(gate.state, 'on'))
      .prepare(),
    nextPriority: db
      .select({ priority: min(message.priority) })
      .from(message)
      .where(and(pending, gt(message.priority, sql.placeholder('after'))))
      .prepare(),
    due: db
      .select({ id: message.id, notBefore: message.notBefore })
      .from(message)
      .where(
        and(
          pending,
          eq(message.priority, sql.placeholder('priority')),
          lte(message.notBefore, at),
          or(isNull(message.notAfter), gt(message.notAfter, at)),
          among(message.campaign, sql.placeholder('campaigns')),
        ),
      )
      .orderBy(asc(message.notBefore), asc(message.id))
      .limit(sql.placeholder('limit'))
      .prepare(),
  }
}
