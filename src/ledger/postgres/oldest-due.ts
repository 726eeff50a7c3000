import { type SQL, sql } from 'drizzle-orm'
import type { Stage } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import type { ReportBook } from '../ledger.ts'
import type { Connection } from './connection.ts'
import { isPending, mayBeTried, withPendingLevels } from './pending-levels.ts'
import { enabled, message } from './schema.ts'

/** See ReportBook. */
export function postgresOldestDue(connection: Connection): ReportBook['oldestDue'] {
  return (at) =>
    connection.read(async (db) => {
      const { rows } = await db.execute<{ campaign: string; stage: string; since: string }>(oldestDue(at))
      return rows.map((row) => ({ campaign: row.campaign, stage: row.stage as Stage, since: Number(row.since) }))
    })
}

export function oldestDue(at: Instant): SQL {
  return sql`${withPendingLevels}
    select ${enabled.campaign}, oldest.stage, oldest.since
    from level cross join ${enabled} cross join lateral (
      -- Its opening may have begun before there was a message.
      select ${message.stage}, greatest(${message.notBefore}, ${message.createdAt}) as since from ${message}
      where ${mayBeTried(at)} and ${message.campaign} = ${enabled.campaign}
      order by ${message.notBefore}, ${message.id} limit 1
    ) as oldest
    -- For one without pending messages, those of all others would be walked in vain.
    where exists (select from ${message} where ${isPending} and ${message.campaign} = ${enabled.campaign})
    order by level.priority, ${enabled.campaign}`
}
