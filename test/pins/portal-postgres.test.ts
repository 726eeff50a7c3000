import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { PinQuery } from '#pins/pins.ts'
import { openPortal } from '#pins/portal.ts'
import type { PinRecord } from '#pins/row.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { errorOf } from './imported.ts'
import { postgresStand, type Stand } from './portal-stand.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const expires_at = '2026-12-31T17:00:00Z'
const expiresAt = Date.parse(expires_at)
const all: PinQuery = { kind: 'caller-pin', accounts: null, fromAt: 0, toAt: Number.MAX_SAFE_INTEGER }

function row(pin_id: string, more: PinRecord = {}): PinRecord {
  return { pin_id, email: 'ann@example.com', expires_at, ...more }
}

describe('a portal on PostgreSQL', () => {
  let stand: Stand
  let schema: string
  beforeEach(async () => {
    stand = await postgresStand(server.url, 'timestamptz')
    schema = stand.relation.split('.')[0] ?? ''
    await stand.put([row('a'), row('b')])
  })
  afterEach(() => stand.end())

  it('goes on between two pages when the server was restarted', async () => {
    const portal = await openPortal(stand.url, stand.relation)
    await portal.page(all, null, 1)
    await server.restart()
    expect((await portal.page(all, { expiresAt, pinId: 'a' }, 1)).map(({ pinId }) => pinId)).toEqual(['b'])
    await portal.close()
  })

  it('goes on when its connections were ended while nobody used them', async () => {
    const portal = await openPortal(stand.url, stand.relation)
    const ended = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'forewarn'`
    await stand.run(ended)
    expect((await portal.read(['a'])).size).toBe(1)
    await portal.close()
  })

  it('gives no answer while the server is down, and names it without the password', async () => {
    const own = await startPostgres()
    const url = own.url.replace('postgres@', 'postgres:s3cret@')
    const there = await postgresStand(own.url, 'timestamptz')
    await there.put([row('a')])
    const portal = await openPortal(url, there.relation)
    await there.end()
    await own.stop()
    for (const error of [await errorOf(portal.read(['a'])), await errorOf(openPortal(url, there.relation))]) {
      expect(error).toMatchObject({ code: 'portal-unusable', path: 'portal.url' })
      expect(error.message).toMatch(/^the portal postgres:\/\/127\.0\.0\.1:\d+\/postgres could not be reached/)
      expect(`${error.message} ${error.hint} ${error.stack} ${JSON.stringify(error)}`).not.toMatch(/s3cret/)
    }
    await portal.close()
  })

  it('gives no answer when the view takes too long, or is locked, and answers afterwards', async () => {
    const portal = await openPortal(stand.url, stand.relation, { answerWithinMs: 100 })
    await stand.run('begin; lock table pin_store in access exclusive mode')
    const locked = await errorOf(portal.read(['a']))
    await stand.run('rollback')
    expect(locked).toMatchObject({ code: 'portal-unusable', path: 'portal.url' })
    expect(locked.message).toMatch(/did not answer in time$/)

    await stand.run(
      `create or replace view expiring_pins as select p.* from pin_store p where pg_sleep(10) is not null`,
    )
    expect((await errorOf(portal.page(all, null, 10))).message).toMatch(/did not answer in time$/)
    await stand.run('create or replace view expiring_pins as select * from pin_store')
    expect((await portal.read(['a'])).size).toBe(1)
    await portal.close()
  })

  it('needs the view only, and gives no answer when that was taken away', async () => {
    await stand.run(`create role reader_${schema} login; grant usage on schema ${schema} to reader_${schema}`)
    const url = stand.url.replace('postgres@', `reader_${schema}@`)
    const refused = await errorOf(openPortal(url, stand.relation))
    expect(refused.message).toMatch(/its column pin_id .* may not read it; its column email .* may not read it/)

    await stand.run(`grant select on expiring_pins to reader_${schema}`)
    const portal = await openPortal(url, stand.relation)
    expect((await portal.read(['a'])).size).toBe(1)
    await stand.run(`revoke select on expiring_pins from reader_${schema}`)
    expect((await errorOf(portal.read(['a']))).message).toMatch(/may not read it/)
    await stand.run(`revoke usage on schema ${schema} from reader_${schema}`)
    expect(await errorOf(portal.read(['a']))).toMatchObject({ code: 'portal-unusable', path: 'portal.relation' })
    await portal.close()
  })

  it('names every column of a wrong type, what it is and what would do', async () => {
    await stand.run(
      `create table mistyped (pin_id numeric, email bytea, expires_at timestamp, set_at date, status boolean)`,
    )
    const error = await errorOf(openPortal(stand.url, `${schema}.mistyped`))
    expect(error).toMatchObject({ code: 'portal-unusable', path: 'portal.relation', exitCode: 1 })
    expect(error.message).toMatch(/pin_id is of type numeric, and must be one of text, /)
    expect(error.message).toMatch(/email is of type bytea, and must/)
    expect(error.message).toMatch(
      /expires_at is of type timestamp, which is another instant in each zone .* must be one of timestamptz, text/,
    )
    expect(error.message).toMatch(/set_at is of type date, which is a day/)
    expect(error.message).toMatch(/status is of type bool, and must/)
  })

  it.each([
    ['uuid', '3fa85f64-5717-4562-b3fc-2c963f66afa6', ['3FA85F64-5717-4562-b3fc-2c963f66afa6', 'x', '{}']],
    ['bigint', '9007199254740993', ['9007199254740992', '09007199254740993', '99999999999999999999', 'x', '1; --']],
    ['smallint', '7', ['70000', ' 7', '7.0']],
    ['char(8)', 'AB12', ['AB12 ', 'ab12']],
  ])('reads ids of type %s, and takes no other text for one', async (type, id, others) => {
    const typed = await postgresStand(server.url, 'timestamptz', { pin_id: type })
    await typed.put([row(id)])
    const portal = await openPortal(typed.url, typed.relation)
    expect([...(await portal.read([id, ...others])).keys()]).toEqual([id])
    expect((await portal.page(all, null, 10)).map(({ pinId }) => pinId)).toEqual([id])
    expect((await portal.ofAddress('ann@example.com')).map(({ pinId }) => pinId)).toEqual([id])
    await portal.close()
    await typed.end()
  })

  it('pages in the order of bytes, whatever order the column has', async () => {
    const typed = await postgresStand(server.url, 'timestamptz', { pin_id: 'text collate "und-x-icu"' })
    await typed.put(['a', 'B', 'c', 'ä', 'Z'].map((id) => row(id)))
    const portal = await openPortal(typed.url, typed.relation)
    const order: string[] = []
    for (let pinId = ''; ; ) {
      const [next] = await portal.page(all, pinId === '' ? null : { expiresAt, pinId }, 1)
      if (next === undefined) break
      pinId = next.pinId
      order.push(pinId)
    }
    expect(order).toEqual(['B', 'Z', 'a', 'c', 'ä'])
    await portal.close()
    await typed.end()
  })

  it('reads domains and enumerations as what they hold', async () => {
    await stand.run(`create domain mail_address as varchar(200);
      create type pin_state as enum ('active', 'revoked');
      create view shaped as select pin_id, email::mail_address, expires_at, 'revoked'::pin_state as status, 12 as account_id from pin_store`)
    const portal = await openPortal(stand.url, `${schema}.shaped`)
    expect((await portal.read(['a'])).get('a')).toMatchObject({ status: 'revoked', accountId: '12' })
    expect(await portal.page({ ...all, accounts: ['12'] }, null, 10)).toHaveLength(2)
    await portal.close()
  })

  it('gives no answer when a column has another type than at the start', async () => {
    const portal = await openPortal(stand.url, stand.relation)
    await stand.run(`drop view expiring_pins;
      create view expiring_pins as select p.*, null::int as more from (select expires_at::text as expires_at, pin_id, email, account_id,
        account_name, name, kind, locale, time_zone, set_at, version, status from pin_store) p`)
    expect((await errorOf(portal.page(all, null, 10))).message).toMatch(
      /its column expires_at was of type timestamptz when forewarn was started, and is of type text now$/,
    )
    await portal.close()
  })

  it('knows no end that never comes', async () => {
    await stand.put([
      row('never', { expires_at: 'infinity' }),
      row('long ago', { expires_at: '-infinity' }),
      row('bc', { expires_at: '2026-12-31T17:00:00Z BC' }),
    ])
    const portal = await openPortal(stand.url, stand.relation)
    expect((await portal.page(all, null, 10)).map(({ pinId }) => pinId)).toEqual(['a', 'b'])
    expect([...(await portal.read(['a', 'never', 'long ago', 'bc'])).keys()]).toEqual(['a'])
    await portal.close()
  })

  it('only reads, in UTC, with a limit on each statement, and says who it is', async () => {
    await stand.run(`create view session as select 'a' as pin_id, '-' as email, now() as expires_at,
      current_setting('default_transaction_read_only') as name, current_setting('statement_timeout') as version,
      current_setting('TimeZone') as account_id, current_setting('application_name') as account_name`)
    const url = `${stand.url}?options=-c%20search_path%3D${schema}%20-c%20default_transaction_read_only%3Doff&application_name=portal`
    const portal = await openPortal(url, 'session')
    expect((await portal.read(['a'])).get('a')).toMatchObject({
      name: 'on',
      portalVersion: '10s',
      accountId: 'UTC',
      accountName: 'forewarn',
    })
    await portal.close()
    await stand.run(`create function wipe() returns text language plpgsql as $$ begin delete from ${schema}.pin_store; return 'x'; end $$;
      create view wiping as select pin_id, email, expires_at, wipe() as name from pin_store`)
    expect((await errorOf(openPortal(url, 'wiping'))).message).toMatch(/has a relation that writes while it is read$/)
  })

  it('leaves no connection behind', async () => {
    const portal = await openPortal(stand.url, stand.relation)
    await Promise.all(Array.from({ length: 20 }, () => portal.read(['a'])))
    await portal.close()
    const client = new Client(stand.url)
    await client.connect()
    await vi.waitFor(async () => {
      const { rows } = await client.query(`select 1 from pg_stat_activity where application_name = 'forewarn'`)
      expect(rows).toEqual([])
    })
    await client.end()
  })

  it('pages through an index on expires_at, and re-reads through one on pin_id', async () => {
    await stand.run(`insert into pin_store (pin_id, email, expires_at)
      select 'p' || n, 'p' || n || '@example.com', timestamptz '2026-01-01T00:00:00Z' + n * interval '1 hour' from generate_series(1, 20000) n;
      create index on pin_store (expires_at); create unique index on pin_store (pin_id); analyze pin_store`)
    const scans = async () => {
      const client = new Client(stand.url)
      await client.connect()
      const { rows } = await client.query<{ seq: string; idx: string }>(
        `select seq_scan as seq, idx_scan as idx from pg_stat_user_tables where schemaname = $1 and relname = 'pin_store'`,
        [schema],
      )
      await client.end()
      return { seq: Number(rows[0]?.seq), idx: Number(rows[0]?.idx) }
    }
    const portal = await openPortal(stand.url, stand.relation)
    const query = { ...all, fromAt: Date.parse('2026-02-01T00:00:00Z'), toAt: Date.parse('2026-07-01T00:00:00Z') }
    let pins = 0
    for (let after = null, page = await portal.page(query, after, 100); ; page = await portal.page(query, after, 100)) {
      pins += page.length
      const last = page.at(-1)
      if (page.length < 100 || last === undefined) break
      after = { expiresAt: last.expiresAt, pinId: last.pinId }
    }
    expect(pins).toBe(150 * 24)
    await portal.close()
    // Counts of a session are known when it has ended.
    await vi.waitFor(async () => expect((await scans()).idx).toBeGreaterThan(70))
    // Those of making the indexes.
    expect((await scans()).seq).toBeLessThan(20)
  })
})
