import { and, asc, eq, exists, gt, isNull, lte, min, or, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { Stage } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import type { ReportBook } from '../ledger.ts'
import type { Connection } from './connection.ts'
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
  let priority = statements.nextPriority.get({ after: -1 })?.priority ?? null
  while (priority !== null) {
    for (const campaign of campaigns) {
      const oldest = statements.oldest.get({ priority, campaign, at })
      if (oldest === undefined) continue
      const { stage, notBefore, createdAt } = oldest
      // Its opening may have begun before there was a message.
      found.push({ campaign, stage: stage as Stage, since: Math.max(notBefore, createdAt) })
    }
    priority = statements.nextPriority.get({ after: priority })?.priority ?? null
  }
  return found
}

type Statements = ReturnType<typeof prepareOldestDue>

export function prepareOldestDue(db: BetterSQLite3Database) {
  const at = sql.placeholder('at')
  // As in the partial index, word for word.
  const pending = sql`${message.state} = 'pending'`
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
            .where(and(pending, eq(message.campaign, enabled.campaign))),
        ),
      )
      .orderBy(asc(enabled.campaign))
      .prepare(),
    nextPriority: db
      .select({ priority: min(message.priority) })
      .from(message)
      .where(and(pending, gt(message.priority, sql.placeholder('after'))))
      .prepare(),
    oldest: db
      .select({ stage: message.stage, notBefore: message.notBefore, createdAt: message.createdAt })
      .from(message)
      .where(
        and(
          pending,
          eq(message.priority, sql.placeholder('priority')),
          lte(message.notBefore, at),
          eq(message.campaign, sql.placeholder('campaign')),
          or(isNull(message.notAfter), gt(message.notAfter, at)),
        ),
      )
      .orderBy(asc(message.notBefore), asc(message.id))
      .limit(1)
      .prepare(),
  }
}
