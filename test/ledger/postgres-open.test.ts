import { inspect } from 'node:util'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLedger } from '#ledger/open.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { ops } from './fixtures.ts'

const unusable = (sentence: RegExp) =>
  expect.objectContaining({ name: 'ForewarnError', code: 'ledger-unusable', message: expect.stringMatching(sentence) })

describe('opening a ledger on PostgreSQL', () => {
  let server: PostgresServer
  let admin: Client
  beforeAll(async () => {
    server = await startPostgres()
    admin = new Client(server.url)
    await admin.connect()
  })
  afterAll(async () => {
    await admin.end()
    await server.stop()
  })

  /** An address of a database of its own. */
  async function newDatabase(name: string): Promise<URL> {
    await admin.query(`create database ${name}`)
    const address = new URL(server.url)
    address.pathname = `/${name}`
    return address
  }

  async function withRaw<T>(address: URL, use: (raw: Client) => Promise<T>): Promise<T> {
    const raw = new Client(address.href)
    await raw.connect()
    try {
      return await use(raw)
    } finally {
      await raw.end()
    }
  }

  it('creates its tables in a schema of its own, and shows no password', async () => {
    const address = await newDatabase('fresh')
    address.password = 'secret'
    const { ledger } = await openLedger(address.href, { mode: 'migrate' })
    expect(await ledger.gates.read('*')).toMatchObject({ state: 'on' })
    await ledger.close()
    expect(ledger.address).toBe(`postgres://postgres@127.0.0.1:${address.port}/fresh`)
    const { rows } = await withRaw(address, (raw) =>
      raw.query(
        `select distinct schemaname from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
      ),
    )
    expect(rows).toEqual([{ schemaname: 'forewarn' }])
  })

  it.each([
    ['search_path', 'mine'],
    ['options', '-c statement_timeout=9s -c search_path=mine'],
  ])('takes another schema, named by %s, beside the first', async (parameter, value) => {
    const address = await newDatabase(`two_${parameter}`)
    const first = await openLedger(address.href, { mode: 'migrate' })
    await first.ledger.gates.close('*', ops)
    address.searchParams.set(parameter, value)
    const second = await openLedger(address.href, { mode: 'migrate' })
    expect(await second.ledger.gates.read('*')).toMatchObject({ state: 'on' })
    expect(second.ledger.address).toMatch(/\?search_path=mine$/)
    expect(second.ledger.recipientKey('ann@example.com')).not.toBe(first.ledger.recipientKey('ann@example.com'))
    for (const { ledger } of [first, second]) await ledger.close()
  })

  it('takes an existing ledger only, for the stop, and creates none', async () => {
    const address = await newDatabase('empty')
    await expect(openLedger(address.href, { mode: 'as-is' })).rejects.toEqual(
      unusable(/there is no ledger at postgres:/),
    )
    const { rows } = await withRaw(address, (raw) => raw.query(`select from pg_namespace where nspname = 'forewarn'`))
    expect(rows).toEqual([])
  })

  it.each(['migrate', 'as-is'] as const)("leaves another program's tables alone (%s)", async (mode) => {
    const address = await newDatabase(`foreign_${mode.replace('-', '_')}`)
    address.searchParams.set('search_path', 'public')
    await withRaw(address, (raw) =>
      raw.query('create table public.gate (id integer); create table public.audit (id integer)'),
    )
    await expect(openLedger(address.href, { mode })).rejects.toEqual(unusable(/another program/))
    const { rows } = await withRaw(address, (raw) => raw.query(`select from pg_tables where schemaname = 'public'`))
    expect(rows).toHaveLength(2)
  })

  it('refuses a ledger that a newer version has written, which can still be stopped', async () => {
    const address = await newDatabase('newer')
    await (await openLedger(address.href, { mode: 'migrate' })).ledger.close()
    await withRaw(address, (raw) =>
      raw.query(`
        alter table forewarn.message add column later text;
        insert into forewarn.__drizzle_migrations (hash, created_at) values ('later', ${Date.now() + 1e12})`),
    )
    const opening = openLedger(address.href, { mode: 'migrate' })
    await expect(opening).rejects.toMatchObject({ code: 'ledger-newer', hint: expect.stringContaining('switch off') })

    const { ledger } = await openLedger(address.href, { mode: 'as-is' })
    expect(await ledger.gates.close('*', ops)).toMatchObject({ changed: true })
    await ledger.close()
  })

  it('serves a user who owns the schema, and may not create one', async () => {
    const address = await newDatabase('modest')
    await withRaw(address, (raw) => raw.query('create user clerk; create schema forewarn authorization clerk'))
    address.username = 'clerk'
    const { ledger } = await openLedger(address.href, { mode: 'migrate' })
    expect(await ledger.gates.close('*', ops)).toMatchObject({ changed: true })
    await ledger.close()
  })

  it('says what the user may not do', async () => {
    const address = await newDatabase('strict')
    await withRaw(address, (raw) => raw.query('create user stranger'))
    address.username = 'stranger'
    await expect(openLedger(address.href, { mode: 'migrate' })).rejects.toEqual(unusable(/does not permit this/))
  })

  it('says what is wrong without the password, also in what caused it', async () => {
    const address = new URL(server.url)
    address.pathname = '/missing'
    address.password = 'secret'
    const error: unknown = await openLedger(address.href, { mode: 'migrate' }).catch((reason: unknown) => reason)
    expect(error).toEqual(unusable(/there is no such database/))
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('secret')
  })
})
