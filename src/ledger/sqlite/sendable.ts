import { and, asc, eq, gt, isNull, lte, min, or, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Instant } from '#core/instant.ts'
import { type Among, claimProtocol, everything, type Outbox } from '../ledger.ts'
import type { Connection } from './connection.ts'
import { among } from './json-list.ts'
import { prepared } from './prepared.ts'
import { gate, message } from './schema.ts'

/** Ids of the messages that may be tried now, most urgent first. */
export function sqliteSendable(connection: Connection): Outbox['sendable'] {
  const statements = prepared(() => prepareSendable(connection.db))
  return (at, limit, among = {}) => connection.read(() => sendable(statements(), at, limit, among))
}

/** Campaigns with a limit are walked one by one, each as far as it has room; all others together. */
function sendable(statements: Statements, at: Instant, limit: number, { campaign, rooms }: Among): string[] {
  const open = openCampaigns(statements).filter((one) => campaign === undefined || one === campaign)
  const limited = open.filter((one) => rooms?.has(one))
  const free = open.filter((one) => !rooms?.has(one))
  const found = [
    walk(statements, at, free, limit),
    ...limited.map((one) => walk(statements, at, [one], Math.min(limit, rooms?.get(one) ?? 0))),
  ]
  return found
    .flat()
    .sort(byUrgency)
    .slice(0, limit)
    .map(({ id }) => id)
}

interface Found {
  readonly id: string
  readonly priority: number
  readonly notBefore: Instant
}

function byUrgency(one: Found, other: Found): number {
  return one.priority - other.priority || one.notBefore - other.notBefore || (one.id < other.id ? -1 : 1)
}

/** One priority after the other: within one, the index is in order of time, and what is not due yet is never looked at. */
function walk(statements: Statements, at: Instant, campaigns: readonly string[], limit: number): Found[] {
  const found: Found[] = []
  if (campaigns.length === 0) return found

  let priority = statements.nextPriority.get({ after: -1 })?.priority ?? null
  while (priority !== null && found.length < limit) {
    const due = statements.due.all({ priority, at, campaigns: JSON.stringify(campaigns), limit: limit - found.length })
    for (const { id, notBefore } of due) found.push({ id, notBefore, priority })
    priority = statements.nextPriority.get({ after: priority })?.priority ?? null
  }
  return found
}

/** Campaigns whose gate is on; none while the gate of everything is off. */
function openCampaigns(statements: Statements): string[] {
  const open = statements.openGates.all()
  const allowed = open.some((one) => one.scope === everything && one.claimProtocol === claimProtocol)
  return allowed ? open.map((one) => one.scope).filter((scope) => scope !== everything) : []
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
