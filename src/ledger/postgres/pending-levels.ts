import { type SQL, sql } from 'drizzle-orm'
import { message } from './schema.ts'

/** Word for word as in the partial indexes. */
export const isPending: SQL = sql`${message.state} = 'pending'`

/**
 * Begins a statement, with a table `level` of the priorities that pending messages have: the index of these is in order of time within one
 * priority, and so one after the other is walked, without a look at what is not due yet.
 */
export const withPendingLevels: SQL = sql`
  with recursive level (priority) as (
    select ${nextAfter(sql`-1`)}
    union all select ${nextAfter(sql`level.priority`)} from level where level.priority is not null
  )`

function nextAfter(priority: SQL): SQL {
  return sql`(select min(${message.priority}) from ${message} where ${isPending} and ${message.priority} > ${priority})`
}

/** Of one level, what may be tried at this instant. */
export function mayBeTried(at: number): SQL {
  return sql`${isPending} and ${message.priority} = level.priority and ${message.notBefore} <= ${at}
    and (${message.notAfter} is null or ${message.notAfter} > ${at})`
}
