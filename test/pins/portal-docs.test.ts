import { readFileSync } from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import { openPortal } from '#pins/portal.ts'
import { startPostgres } from '../servers/postgres.ts'
import { postgresStand, type Stand, sqliteStand } from './portal-stand.ts'

const page = readFileSync(new URL('../../docs/portal.md', import.meta.url), 'utf8')

function example(language: string): string {
  const [, sql] = new RegExp(`\`\`\`sql ${language}\n(.*?)\`\`\``, 's').exec(page) ?? []
  if (sql === undefined) throw new Error(`docs/portal.md has no example for ${language}`)
  return sql
}

const user = `create table app_user (id integer primary key, email text, display_name text, language text, time_zone text, partner_id integer);
  insert into app_user values (1, 'ann@example.com', 'Ann', 'de', 'Europe/Vienna', 7);`

async function readsIt(stand: Stand, url: string, schema: string): Promise<void> {
  const portal = await openPortal(url, `${schema}.expiring_pins`)
  expect((await portal.read(['12'])).get('12')).toEqual({
    pinId: '12',
    kind: 'caller-pin',
    status: 'active',
    email: 'ann@example.com',
    name: 'Ann',
    accountId: '7',
    accountName: null,
    locale: 'de',
    timeZone: 'Europe/Vienna',
    setAt: Date.parse('2026-01-01T00:00:00Z'),
    expiresAt: Date.parse('2026-12-31T17:00:00Z'),
    portalVersion: null,
  })
  expect(portal.unknownColumns).toEqual([])
  await portal.close()
  await stand.end()
}

it('shows a view and grants for PostgreSQL that do', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.stop())
  const stand = await postgresStand(server.url, 'timestamptz')
  const schema = stand.relation.split('.')[0] ?? ''
  await stand.run(`drop view expiring_pins; ${user}
    create table caller_pin (id bigint primary key, user_id int, expires_at timestamp, set_at timestamp, revoked boolean);
    insert into caller_pin values (12, 1, '2026-12-31 17:00:00', '2026-01-01 00:00:00', false);
    ${example('postgres')} grant usage on schema ${schema} to forewarn`)
  await readsIt(stand, stand.url.replace('postgres@', 'forewarn@'), schema)
})

it('shows a view for SQLite that does', async () => {
  const stand = await sqliteStand()
  await stand.run(`drop view expiring_pins; ${user}
    create table caller_pin (id integer primary key, user_id integer, expires_at text, set_at integer, revoked integer);
    insert into caller_pin values (12, 1, '2026-12-31T17:00:00Z', ${Date.parse('2026-01-01T00:00:00Z') / 1000}, 0);
    ${example('sqlite')}`)
  await readsIt(stand, stand.url, 'main')
})
