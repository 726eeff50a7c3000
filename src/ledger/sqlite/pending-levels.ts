import { and, eq, gt, isNull, lte, min, or, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import { message } from './schema.ts'

/** Word for word as in the partial indexes. */
export const isPending = sql`${message.state} = 'pending'`

/** Of the priority under the placeholder `priority`, what may be tried at the instant under `at`. */
export const mayBeTried = and(
  isPending,
  eq(message.priority, sql.placeholder('priority')),
  lte(message.notBefore, sql.placeholder('at')),
  or(isNull(message.notAfter), gt(message.notAfter, sql.placeholder('at'))),
)

/** The next priority that pending messages have. */
export function prepareNextPriority(db: BetterSQLite3Database) {
  return db
    .select({ priority: min(message.priority) })
    .from(message)
    .where(and(isPending, gt(message.priority, sql.placeholder('after'))))
    .prepare()
}

/**
 * The priorities of pending messages, most urgent first. Within one, the index is in order of time: walked one after the
 * other, what is not due yet is never looked at.
 */
export function* pendingPriorities(nextPriority: ReturnType<typeof prepareNextPriority>): Generator<number> {
  let priority = nextPriority.get({ after: -1 })?.priority ?? null
  while (priority !== null) {
    yield priority
    priority = nextPriority.get({ after: priority })?.priority ?? null
  }
}
