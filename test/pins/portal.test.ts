import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Instant } from '#core/instant.ts'
import type { Pin } from '#core/pin.ts'
import type { PinCursor, PinQuery, PinSource } from '#pins/pins.ts'
import { openPortal, type Portal } from '#pins/portal.ts'
import type { BadRows } from '#pins/portal-row.ts'
import { type PinRecord, pinColumns } from '#pins/row.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { errorOf, importContent } from './imported.ts'
import { nastyRows } from './nasty-rows.ts'
import { postgresStand, type Stand, sqliteStand } from './portal-stand.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const expiresAt = '2026-12-31T17:00:00Z'
const all: PinQuery = { kind: 'caller-pin', accounts: null, fromAt: 0, toAt: Number.MAX_SAFE_INTEGER }

const stands: [name: string, make: () => Promise<Stand>][] = [
  ['SQLite', sqliteStand],
  ['PostgreSQL with timestamptz', () => postgresStand(server.url, 'timestamptz')],
  ['PostgreSQL with text', () => postgresStand(server.url, 'text')],
]

describe.each(stands)('a portal on %s', (_name, makeStand) => {
  let stand: Stand
  let portal: Portal
  let passes: BadRows[][]
  beforeEach(async () => {
    stand = await makeStand()
    passes = []
    portal = await openPortal(stand.url, stand.relation, { onBadRows: (_, found) => passes.push([...found]) })
  })
  afterEach(async () => {
    await portal.close()
    await stand.end()
  })

  it('gives the same PINs as an import of the same rows', async () => {
    const rows = nastyRows(400)
    await stand.put(rows)
    const { table, rejectedTotal } = await importContent(csvOf(rows))
    expect(rejectedTotal).toBe(0)
    expect(await portal.read(rows.map((row) => row.pin_id ?? ''))).toEqual(new Map(table.pins))
    expect(JSON.stringify(await paged(portal, all, 37))).toBe(JSON.stringify([...table.pins.values()].sort(byKey)))
    expect(passes).toEqual([[]])
  })

  it.each([1, 2, 7, 1_000])('pages through all PINs once, by %i', async (limit) => {
    const rows = nastyRows(60)
    await stand.put(rows)
    const pins = await paged(portal, all, limit)
    expect(pins).toHaveLength(60)
    expect(pins).toEqual(pins.toSorted(byKey))
  })

  it('pages through PINs that expire within one millisecond', async () => {
    const rows = Array.from({ length: 25 }, (_, n) =>
      row(`p${(n * 7) % 25}`, { expires_at: `2026-12-31T17:00:00.000${n % 9}Z` }),
    )
    await stand.put(rows)
    for (const limit of [1, 4]) expect(await paged(portal, all, limit)).toHaveLength(25)
  })

  it('asks for expiries from the first instant, before the last', async () => {
    await stand.put([
      row('before', { expires_at: '2026-12-31T16:59:59.999Z' }),
      row('first', { expires_at: '2027-01-01T07:00:00+14:00' }),
      row('last', { expires_at: '2026-12-31T03:00:59.999-14:00' }),
      row('after', { expires_at: '2026-12-31T17:01:00Z' }),
    ])
    const query = { ...all, fromAt: Date.parse(expiresAt), toAt: Date.parse(expiresAt) + 60_000 }
    expect(ids(await paged(portal, query, 10))).toEqual(['first', 'last'])
  })

  it('gives the PINs of the kind and the accounts that were asked for', async () => {
    await stand.put([
      row('a', { account_id: 'A-1' }),
      row('b', { account_id: "A'2", kind: 'caller-pin' }),
      row('c', { account_id: 'A-3', kind: '' }),
      row('d'),
      row('e', { account_id: 'A-1', kind: 'other' }),
    ])
    expect(ids(await paged(portal, { ...all, accounts: ['A-1', "A'2"] }, 1))).toEqual(['a', 'b'])
    expect(ids(await paged(portal, { ...all, accounts: [] }, 1))).toEqual([])
    expect(ids(await paged(portal, all, 10))).toEqual(['a', 'b', 'c', 'd'])
    expect(ids(await paged(portal, { ...all, kind: 'other' }, 10))).toEqual(['e'])
  })

  it('reads a row that lacks what only says how to write, without it', async () => {
    await stand.put([
      row('address', { email: 'ann@@example.com' }),
      row('list', { email: 'ann@example.com,bob@example.com', locale: 'Deutsch?' }),
      row('nobody', { email: null }),
      row('zone', { time_zone: 'MEZ+1', name: 'two\nlines' }),
    ])
    const pins = await portal.read(['address', 'list', 'nobody', 'zone'])
    expect([...pins.values()].map(({ email, timeZone, locale, name }) => [email, timeZone, locale, name])).toEqual([
      [null, null, null, null],
      [null, null, null, null],
      [null, null, null, null],
      ['zone@example.com', null, null, null],
    ])
    expect(ids(await paged(portal, all, 2))).toEqual(['address', 'list', 'nobody', 'zone'])
    expect(counted(passes[0])).toEqual({ email: 2, locale: 1, name: 1, time_zone: 1 })
    expect(passes[0]?.some(({ leftOut }) => leftOut)).toBe(false)
  })

  it('leaves out a row that does not say surely whether to write, and counts it', async () => {
    const bad = [
      row('status', { status: 'disabled' }),
      row('version', { version: 'a\tb' }),
      row(' space'),
      row('kind', { kind: 'caller-pin ' }),
      row('never', { expires_at: null }),
      row('', {}),
      { ...row('x'), pin_id: null },
    ]
    await stand.put([...bad, row('good')])
    expect(ids(await paged(portal, all, 1))).toEqual(['good'])
    expect(counted(passes[0])).toEqual({ status: 1, version: 1, pin_id: 3, kind: 1, expires_at: 1 })
    expect(await portal.read(['status', 'version', ' space', 'kind', 'never', '', 'good'])).toHaveProperty('size', 1)
    expect(JSON.stringify(passes)).not.toMatch(/disabled|"never"|good/)
  })

  it('does not end a pass at a run of bad rows', async () => {
    const bad = Array.from({ length: 50 }, (_, n) => row(`b${n}`, { status: '?' }))
    await stand.put([row('a'), ...bad, row('c')])
    expect(ids(await paged(portal, all, 1))).toEqual(['a', 'c'])
    expect(counted(passes[0])).toEqual({ status: 50 })
  })

  it('counts anew in every pass', async () => {
    await stand.put([row('a', { time_zone: '?' })])
    for (let pass = 0; pass < 2; pass++) await paged(portal, all, 1)
    expect(passes.map(counted)).toEqual([{ time_zone: 1 }, { time_zone: 1 }])
  })

  it('takes of several rows of one PIN the one that expires last, alike in pages and re-reads', async () => {
    await stand.put([
      row('reset', { expires_at: '2027-06-01T00:00:00Z' }),
      row('reset', { expires_at: '2026-12-31T17:00:00Z' }),
      row('shared', { email: 'bob@example.com' }),
      row('shared', { email: 'ann@example.com' }),
      row('shared', { email: 'bob@example.com' }),
    ])
    for (const limit of [1, 2, 10]) {
      const pins = await paged(portal, all, limit)
      expect(pins.map(({ pinId, email, expiresAt: at }) => [pinId, email, new Date(at).getUTCFullYear()])).toEqual([
        ['shared', 'ann@example.com', 2026],
        ['reset', 'reset@example.com', 2027],
      ])
      expect(await portal.read(['reset', 'shared'])).toEqual(new Map(pins.map((pin) => [pin.pinId, pin])))
    }
    expect(passes.map(counted)).toEqual([{ pin_id: 3 }, { pin_id: 3 }, { pin_id: 3 }])
  })

  it('counts the row that a reset left behind, also when the new one is far ahead', async () => {
    await stand.put([row('reset'), row('reset', { expires_at: '2027-12-31T17:00:00Z' }), { ...row('x'), pin_id: null }])
    expect(await paged(portal, { ...all, toAt: Date.parse('2027-02-01T00:00:00Z') }, 10)).toEqual([])
    expect(counted(passes[0])).toEqual({ pin_id: 2 })
    expect(ids(await portal.ofAddress('x@example.com'))).toEqual([])
  })

  it('gives a PIN of two kinds to one of them only', async () => {
    await stand.put([row('a', { kind: 'caller-pin' }), row('a', { kind: 'admin-pin' })])
    const found = await Promise.all(['admin-pin', 'caller-pin'].map((kind) => paged(portal, { ...all, kind }, 10)))
    expect(found.map(ids)).toEqual([['a'], []])
    expect((await portal.read(['a'])).get('a')?.kind).toBe('admin-pin')
  })

  it('counts apart for passes that go on at once', async () => {
    await stand.put([row('a', { time_zone: '?' }), row('b', { time_zone: '?' })])
    const sooner = { ...all, toAt: Date.parse('2027-02-01T00:00:00Z') }
    for (const query of [all, sooner]) await portal.page(query, null, 1)
    for (const query of [all, sooner]) await portal.page(query, { expiresAt: Date.parse(expiresAt), pinId: 'a' }, 2)
    expect(passes.map(counted)).toEqual([{ time_zone: 2 }, { time_zone: 2 }])
  })

  it('reads any text as an id, and as nothing else', async () => {
    const odd = ["' or '1'='1", `"; drop view ${stand.relation}; --`, '$1', '?', '{a,b}', '["a"]', 'null', '%']
    await stand.put(odd.slice(0, 4).map((id) => row(id)))
    expect([...(await portal.read(odd)).keys()].sort()).toEqual(odd.slice(0, 4).sort())
    expect(await portal.read(["' or 1=1 --", "x' union select 1,2,3 --"])).toEqual(new Map())
    expect(await portal.read([])).toEqual(new Map())
  })

  it('reads more ids than go into one statement', async () => {
    await stand.put(Array.from({ length: 2_500 }, (_, n) => row(`p${n}`)))
    expect((await portal.read(Array.from({ length: 2_600 }, (_, n) => `p${n}`))).size).toBe(2_500)
  })

  it('finds the PINs of a holder in any form of the address, by expiry', async () => {
    await stand.put([
      row('late', { email: 'Ann_B@xn--mnchen-3ya.example', expires_at: '2027-01-02T00:00:00Z' }),
      row('early', { email: 'ann_b@MÜNCHEN.example' }),
      row('other', { email: 'annxb@münchen.example' }),
      row('elsewhere', { email: 'ann_b@köln.example' }),
    ])
    expect(ids(await portal.ofAddress('ANN_B@xn--mnchen-3ya.example'))).toEqual(['early', 'late'])
    expect(await portal.ofAddress('%@example.com')).toEqual([])
  })

  it('gives no answer, and says why, when the relation is dropped, renamed or changed while it runs', async () => {
    await stand.put([row('a')])
    await stand.run('alter table pin_store rename column status to state')
    await stand.run('drop view expiring_pins')
    await expect(errorOf(portal.read(['a']))).resolves.toMatchObject({
      message: expect.stringMatching(/there is no table or view/),
    })
    await stand.run('create view expiring_pins as select * from pin_store')
    const changed = await errorOf(portal.page(all, null, 10))
    expect(changed).toMatchObject({ code: 'portal-unusable', path: 'portal.relation' })
    expect(changed.message).toMatch(/its column status is gone since forewarn was started/)
    await stand.run('alter table pin_store rename column email to mail')
    await stand.run('drop view expiring_pins')
    await stand.run('create view expiring_pins as select * from pin_store')
    expect((await errorOf(portal.read(['a']))).message).toMatch(/it has no column email/)
    await stand.run('drop view expiring_pins')
    await stand.run('alter table pin_store rename column mail to email')
    await stand.run('alter table pin_store rename column state to status')
    await stand.run('create view expiring_pins as select * from pin_store')
    expect((await portal.read(['a'])).size).toBe(1)
  })

  it('names at the start all that is missing, and what it does not read', async () => {
    await stand.run('create table odd (pin_id text, "e-mail" text, mail text)')
    const error = await errorOf(openPortal(stand.url, stand.relation.replace('expiring_pins', 'odd')))
    expect(error.message).toMatch(
      /odd of the portal .* cannot be read as PINs: it has no column email; it has no column expires_at$/,
    )
    await stand.run('create view wide as select *, 1 as digits from pin_store')
    const wide = await openPortal(stand.url, stand.relation.replace('expiring_pins', 'wide'))
    expect(await wide.check()).toEqual({ unknownColumns: ['digits'] })
    await wide.close()
  })

  it.each(['', 'a b', 'a.b.c', 'pins; drop view x', 'a"b', '"a"', 'pg_catalog.', "a'b", 'ä'])(
    'refuses %j as a relation',
    async (relation) => {
      await expect(openPortal(stand.url, relation)).rejects.toMatchObject({
        code: 'settings-invalid',
        path: 'portal.relation',
      })
    },
  )

  it('needs the three required columns only', async () => {
    await stand.put([row('a', { status: 'revoked', account_id: 'A-1' })])
    await stand.run('create view least as select pin_id, email, expires_at from pin_store')
    const least = await openPortal(stand.url, stand.relation.replace('expiring_pins', 'least'))
    expect(ids(await paged(least, all, 10))).toEqual(['a'])
    expect(ids(await paged(least, { ...all, accounts: ['A-1'] }, 10))).toEqual([])
    expect(ids(await paged(least, { ...all, kind: 'other' }, 10))).toEqual([])
    expect((await least.read(['a'])).get('a')).toMatchObject({ status: 'active', accountId: null })
    expect(await least.refreshedAt()).toBeNull()
    await least.close()
  })

  it('may be closed twice, and gives no answer afterwards', async () => {
    await portal.close()
    await portal.close()
    expect(await errorOf(portal.read(['a']))).toMatchObject({ code: 'portal-unusable' })
  })
})

describe.each(stands.filter(([name]) => !name.endsWith('timestamptz')))(
  'instants as text on %s',
  (_name, makeStand) => {
    const odd = [
      ['2026-12-31T16:59:59.9999999Z', '2026-12-31T16:59:59.999Z'],
      ['2026-12-31T16:59:59.999999999+0000', '2026-12-31T16:59:59.999Z'],
      ['2026-12-31T17:00:00.000000001-00', '2026-12-31T17:00:00.000Z'],
    ] as const
    const bad = [
      '2026-02-31T00:00:00Z',
      '2026-12-31T24:00:00Z',
      '2026-12-31T23:59:60Z',
      '2026-12-31T17:00:00',
      '2026-12-31 17:00:00+00',
      '2026-12-31',
      '2026-12-31T17:00:00+19:00',
      '2026-00-10T00:00:00Z',
      ' 2026-12-31T17:00:00Z',
      '1798736400',
      'now',
      'infinity',
      '٢٠٢٦-12-31T17:00:00Z',
      '',
    ]

    it('are cut to milliseconds, and the bad ones counted', async () => {
      const stand = await makeStand()
      await stand.put(odd.map(([text], n) => row(`odd${n}`, { expires_at: text })))
      await stand.put(bad.map((text, n) => row(`bad${n}`, { expires_at: text })))
      let found: readonly BadRows[] = []
      const portal = await openPortal(stand.url, stand.relation, { onBadRows: (_, rows) => (found = rows) })
      const pins = await paged(portal, all, 1)
      expect(pins.map(({ expiresAt: at }) => new Date(at).toISOString())).toEqual(odd.map(([, iso]) => iso))
      expect(counted(found)).toEqual({ expires_at: bad.length })
      expect(JSON.stringify(found)).not.toMatch(/2026-02-31/)
      expect((await portal.read(bad.map((_, n) => `bad${n}`))).size).toBe(0)
      await portal.close()
      await stand.end()
    })

    it('refuse the relation at the start when not one of them can be read', async () => {
      const stand = await makeStand()
      await stand.put([
        row('a', { expires_at: '2026-12-31 17:00:00' }),
        row('b', { expires_at: '2026-12-31T17:00:00' }),
      ])
      const error = await errorOf(openPortal(stand.url, stand.relation))
      expect(error.message).toMatch(/expires_at .* in each of the first rows \(2\)$/)
      expect(error.message).not.toMatch(/17:00:00'|2026-12-31 17/)
      await stand.put([row('c')])
      await (await openPortal(stand.url, stand.relation)).close()
      await stand.end()
    })
  },
)

function row(id: string, more: PinRecord = {}): PinRecord {
  const empty = Object.fromEntries(pinColumns.map((name) => [name, null]))
  return { ...empty, pin_id: id, email: `${id.replaceAll(/\W/g, '')}@example.com`, expires_at: expiresAt, ...more }
}

function csvOf(rows: readonly PinRecord[]): string {
  const quoted = (cell: string | null | undefined) => `"${(cell ?? '').replaceAll('"', '""')}"`
  return [pinColumns.join(','), ...rows.map((one) => pinColumns.map((name) => quoted(one[name])).join(','))].join('\n')
}

async function paged(source: PinSource, query: PinQuery, limit: number): Promise<Pin[]> {
  const pins: Pin[] = []
  let after: PinCursor | null = null
  for (;;) {
    const page: Pin[] = await source.page(query, after, limit)
    pins.push(...page)
    const last = page.at(-1)
    if (page.length < limit || last === undefined) return pins
    after = { expiresAt: last.expiresAt, pinId: last.pinId }
  }
}

function ids(pins: readonly Pin[]): string[] {
  return pins.map(({ pinId }) => pinId)
}

function counted(found: readonly BadRows[] | undefined): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { column, rows } of found ?? []) counts[column] = (counts[column] ?? 0) + rows
  return counts
}

function byKey(one: { expiresAt: Instant; pinId: string }, other: { expiresAt: Instant; pinId: string }): number {
  return one.expiresAt - other.expiresAt || Buffer.compare(Buffer.from(one.pinId), Buffer.from(other.pinId))
}
