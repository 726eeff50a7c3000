import { type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Client } from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { concerned } from '#ledger/postgres/assembly.ts'
import { oldestDue } from '#ledger/postgres/oldest-due.ts'
import { due } from '#ledger/postgres/sendable.ts'
import { startPostgres } from '../servers/postgres.ts'
import { monday } from './fixtures.ts'
import { openOn } from './postgres-harness.ts'

it('finds what may be sent, what waits longest, and whom an assembly concerns by indexes, without reading all messages', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.stop())
  const test = await openOn(server.url)
  onTestFinished(() => test.close())
  const schema = new URL(test.ledger.address).searchParams.get('search_path')
  // Nearly all were sent long ago; of the pending ones half are due, many more than are asked for.
  await test.tamper(`
    insert into enabled (campaign, edition_hash) select 'c' || n, 'e' from generate_series(0, 4) n;
    insert into message (id, campaign, recipient_key, time_zone, stage, priority, not_before, state, reference, created_at, updated_at)
    select 'm' || n, 'c' || n % 5, 'r' || n % 9000, 'UTC', '7d', n % 5, ${monday} + n % 2000 * 1000,
      case when n % 10 = 0 then 'pending' else 'sent' end, 'x' || n, 1, 1
    from generate_series(1, 30000) n;
    analyze message`)
  const client = new Client({ connectionString: server.url, options: `-c search_path=${schema}` })
  await client.connect()
  onTestFinished(() => client.end())

  const planOf = async (query: SQL) => {
    const { rows } = await drizzle(client).execute<{ 'QUERY PLAN': string }>(sql`explain ${query}`)
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  }
  const plans = [
    await planOf(due(monday + 1_000_000, ['c1', 'c2'], 20)),
    await planOf(oldestDue(monday + 10_000)),
    await planOf(concerned(['a', 'b'], ['r10', 'r20'])),
  ]
  for (const plan of plans) expect(plan).not.toMatch(/Seq Scan on message/)
  expect(plans[0]).toMatch(/message_sendable/)
  expect(plans[0]).not.toMatch(/Sort Key: message/)
  expect(plans[1]).toMatch(/message_sendable/)
  expect(plans[2]).toMatch(/message_live/)
})
