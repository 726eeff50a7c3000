import { eq, type SQL, sql } from 'drizzle-orm'
import type { Instant } from '#core/instant.ts'
import { feedWalks, mostUrgentIds, openCampaigns, type SendableMessage } from '../feed-walks.ts'
import type { Outbox } from '../ledger.ts'
import type { Connection, Database } from './connection.ts'
import { among } from './given-rows.ts'
import { mayBeTried, withPendingLevels } from './pending-levels.ts'
import { gate, message } from './schema.ts'

/** Ids of the messages that may be tried now, most urgent first. */
export function postgresSendable(connection: Connection): Outbox['sendable'] {
  return (at, limit, wanted = {}) =>
    connection.read(async (db) => {
      const on = db
        .select({ scope: gate.scope, claimProtocol: gate.claimProtocol })
        .from(gate)
        .where(eq(gate.state, 'on'))
      const found: SendableMessage[] = []
      for (const one of feedWalks(openCampaigns(await on), limit, wanted)) {
        found.push(...(await walk(db, at, one.campaigns, one.limit)))
      }
      return mostUrgentIds(found, limit)
    })
}

async function walk(
  db: Database,
  at: Instant,
  campaigns: readonly string[],
  limit: number,
): Promise<SendableMessage[]> {
  const { rows } = await db.execute<{ id: string; priority: number; not_before: string }>(due(at, campaigns, limit))
  return rows.map((row) => ({ id: row.id, priority: row.priority, notBefore: Number(row.not_before) }))
}

export function due(at: Instant, campaigns: readonly string[], limit: number): SQL {
  return sql`${withPendingLevels}
    select level.priority, tried.id, tried.not_before from level cross join lateral (
      select ${message.id}, ${message.notBefore} from ${message}
      where ${mayBeTried(at)} and ${among(message.campaign, campaigns)}
      order by ${message.notBefore}, ${message.id} limit ${limit}
    ) as tried
    order by level.priority, tried.not_before, tried.id limit ${limit}`
}
