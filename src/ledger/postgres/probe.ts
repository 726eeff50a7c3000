import { sql } from 'drizzle-orm'
import type { Database } from './connection.ts'

/** What the ledger's schema holds, found without changing it. */
export async function probe(db: Database): Promise<'nothing' | 'ledger' | 'other'> {
  const { rows } = await db.execute<{ table: string; columns: string[] }>(sql`
    select relname as table, array_agg(attname::text) as columns
    from pg_class join pg_attribute on attrelid = pg_class.oid
    where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
    group by relname`)
  if (rows.length === 0) return 'nothing'
  const columns = new Map(rows.map((row) => [row.table, row.columns]))
  return Object.entries(marks).every(([table, column]) => columns.get(table)?.includes(column)) ? 'ledger' : 'other'
}

/** By these columns, which are there since the first migration, a ledger is known. */
const marks = { gate: 'claim_protocol', attempt: 'lease_ends_database_at', audit: 'previous_hash' }
