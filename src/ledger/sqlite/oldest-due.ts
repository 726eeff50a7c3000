import { and, asc, eq, exists, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Stage } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import type { ReportBook } from '../ledger.ts'
import type { Connection } from './connection.ts'
import { isPending, mayBeTried, pendingPriorities, prepareNextPriority } from './pending-levels.ts'
import { prepared } from './prepared.ts'
import { enabled, message } from './schema.ts'

/** See ReportBook. */
export function sqliteOldestDue(connection: Connection): ReportBook['oldestDue'] {
  const statements = prepared(() => prepareOldestDue(connection.db))
  return (at) => connection.read(() => oldestDue(statements(), at))
}

type OldestDue = Awaited<ReturnType<ReportBook['oldestDue']>>

/** Stage by stage: within one, the index is in order of time, and the first of a campaign is the next to go. */
function oldestDue(statements: Statements, at: Instant): OldestDue {
  const campaigns = statements.campaigns.all().map(({ campaign }) => campaign)
  const found: OldestDue = []
  for (const priority of pendingPriorities(statements.nextPriority)) {
    for (const campaign of campaigns) {
      const oldest = statements.oldest.get({ priority, campaign, at })
      if (oldest === undefined) continue
      const { stage, notBefore, createdAt } = oldest
      // Its opening may have begun before there was a message.
      found.push({ campaign, stage: stage as Stage, since: Math.max(notBefore, createdAt) })
    }
  }
  return found
}

type Statements = ReturnType<typeof prepareOldestDue>

export function prepareOldestDue(db: BetterSQLite3Database) {
  return {
    // For one without pending messages, those of all others would be walked in vain.
    campaigns: db
      .select({ campaign: enabled.campaign })
      .from(enabled)
      .where(
        exists(
          db
            .select({ id: message.id })
            .from(message)
            .where(and(isPending, eq(message.campaign, enabled.campaign))),
        ),
      )
      .orderBy(asc(enabled.campaign))
      .prepare(),
    nextPriority: prepareNextPriority(db),
    oldest: db
      .select({ stage: message.stage, notBefore: message.notBefore, createdAt: message.createdAt })
      .from(message)
      .where(and(mayBeTried, eq(message.campaign, sql.placeholder('campaign'))))
      .orderBy(asc(message.notBefore), asc(message.id))
      .limit(1)
      .prepare(),
  }
}
