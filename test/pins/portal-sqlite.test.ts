import { createHash } from 'node:crypto'
import { copyFileSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PinQuery } from '#pins/pins.ts'
import { openPortal } from '#pins/portal.ts'
import type { PinRecord } from '#pins/row.ts'
import { errorOf } from './imported.ts'
import { type Stand, sqliteStand } from './portal-stand.ts'

const expires_at = '2026-12-31T17:00:00Z'
const all: PinQuery = { kind: 'caller-pin', accounts: null, fromAt: 0, toAt: Number.MAX_SAFE_INTEGER }

function row(pin_id: string, more: PinRecord = {}): PinRecord {
  return { pin_id, email: `${pin_id}@example.com`, expires_at, ...more }
}

describe('a portal in a SQLite file', () => {
  let stand: Stand
  let file: string
  beforeEach(async () => {
    stand = await sqliteStand()
    file = stand.url.slice('file:'.length)
    await stand.put([row('a'), row('b')])
  })
  afterEach(() => stand.end())

  it('is asked again while a writer has it locked', async () => {
    const portal = await openPortal(stand.url, stand.relation)
    await stand.run('begin exclusive')
    const reading = portal.read(['a', 'c'])
    // The first try has met the lock by now.
    await stand.run(`insert into pin_store (pin_id, email, expires_at) values ('c', 'c@example.com', '${expires_at}')`)
    await stand.run('commit')
    expect([...(await reading).keys()]).toEqual(['a', 'c'])
    await portal.close()
  })

  it('gives no answer when a writer does not let go', async () => {
    const portal = await openPortal(stand.url, stand.relation, { answerWithinMs: 30 })
    await stand.run('begin exclusive')
    const error = await errorOf(portal.read(['a']))
    expect(error).toMatchObject({ code: 'portal-unusable', path: 'portal.url' })
    expect(error.message).toMatch(/is locked by a program that writes to it$/)
    await stand.run('rollback')
    expect((await portal.read(['a'])).size).toBe(1)
    await portal.close()
  })

  it('never hinders a writer, also between two pages', async () => {
    const portal = await openPortal(stand.url, stand.relation)
    const [first] = await portal.page(all, null, 1)
    await stand.run('begin exclusive; delete from pin_store; commit')
    expect(await portal.page(all, { expiresAt: first?.expiresAt ?? 0, pinId: 'a' }, 1)).toEqual([])
    await portal.close()
  })

  it('leaves the file and its folder as they were', async () => {
    const state = () => [readdirSync(dirname(file)), createHash('sha256').update(readFileSync(file)).digest('hex')]
    const before = state()
    const portal = await openPortal(stand.url, stand.relation)
    await portal.page(all, null, 10)
    await portal.ofAddress('a@example.com')
    expect(state()).toEqual(before)
    await portal.close()
    expect(state()).toEqual(before)
  })

  it('reads what is committed while a writer is at work, in WAL mode', async () => {
    await stand.run('pragma journal_mode = wal')
    const portal = await openPortal(stand.url, stand.relation)
    await stand.run("begin immediate; delete from pin_store where pin_id = 'a'")
    expect((await portal.read(['a', 'b'])).size).toBe(2)
    await stand.run('commit')
    expect((await portal.read(['a', 'b'])).size).toBe(1)
    await portal.close()
  })

  it('leaves to the portal to tidy up after a crash in WAL mode', async () => {
    await stand.run('pragma journal_mode = wal; pragma wal_autocheckpoint = 0')
    await stand.put([row('c')])
    // What a crash leaves: both files, and nobody who has them open.
    for (const end of ['', '-wal']) copyFileSync(`${file}${end}`, `${file}.crashed${end}`)
    const state = () => ['', '-wal'].map((end) => readFileSync(`${file}.crashed${end}`).toString('base64'))
    const before = state()
    const portal = await openPortal(`${stand.url}.crashed`, stand.relation)
    expect((await portal.read(['c'])).size).toBe(1)
    await portal.close()
    expect(state()).toEqual(before)
  })

  it('reads the new file when it was replaced, and gives no answer when it is gone', async () => {
    const portal = await openPortal(stand.url, stand.relation)
    expect((await portal.read(['a', 'new'])).size).toBe(1)
    const other = await sqliteStand()
    await other.put([row('new')])
    renameSync(other.url.slice('file:'.length), file)
    await other.end()
    expect([...(await portal.read(['a', 'new'])).keys()]).toEqual(['new'])

    writeFileSync(`${file}.part`, 'half a copy')
    renameSync(`${file}.part`, file)
    expect((await errorOf(portal.read(['new']))).message).toMatch(/is not a SQLite database$/)
    rmSync(file)
    expect((await errorOf(portal.read(['new']))).message).toMatch(/does not exist$/)
    await portal.close()
  })

  it('gives no answer when the file that took its place lacks a column', async () => {
    const portal = await openPortal(stand.url, stand.relation)
    new Database(`${file}.new`).exec('create table expiring_pins (pin_id, email, expires_at)').close()
    renameSync(`${file}.new`, file)
    expect((await errorOf(portal.read(['a']))).message).toMatch(/its column status is gone since forewarn was started/)
    await portal.close()
  })

  it('is not made when it does not exist', async () => {
    expect((await errorOf(openPortal(`file:${file}.none`, 'x'))).message).toMatch(/does not exist$/)
    expect(readdirSync(dirname(file))).toEqual(['portal.db'])
    const folder = await errorOf(openPortal(`file:${dirname(file)}`, 'x'))
    expect(folder).toMatchObject({ code: 'portal-unusable', path: 'portal.url' })
  })

  it('refuses columns that hold numbers where instants belong, and says how to write them', async () => {
    await stand.run('create table numbers (pin_id text, email text, expires_at integer, set_at real)')
    const error = await errorOf(openPortal(stand.url, 'numbers'))
    expect(error.message).toMatch(
      /its column expires_at is of type INTEGER, and must be text in ISO 8601 .*; its column set_at is of type REAL, /,
    )
    await stand.run(`insert into numbers values ('a', 'a@example.com', ${Date.parse(expires_at) / 1000}, null);
      create view written as
      select pin_id, email, strftime('%Y-%m-%dT%H:%M:%SZ', expires_at, 'unixepoch') as expires_at from numbers;
      create view untyped as select pin_id, email, expires_at + 0 as expires_at from numbers`)
    const portal = await openPortal(stand.url, 'written')
    expect((await portal.read(['a'])).get('a')?.expiresAt).toBe(Date.parse(expires_at))
    await portal.close()
    expect((await errorOf(openPortal(stand.url, 'untyped'))).message).toMatch(
      /expires_at is not an instant .* first rows \(1\)$/,
    )
  })

  it('reads ids that are numbers, in a column with a type and without', async () => {
    await stand.run(`create table numbered (pin_id integer primary key, EMAIL text, expires_at datetime);
      insert into numbered values (7, 'a@example.com', '${expires_at}'), (9007199254740993, 'b@example.com', '${expires_at}');
      create view summed as select pin_id + 0 as pin_id, email, expires_at from numbered`)
    for (const relation of ['numbered', 'main.summed']) {
      const portal = await openPortal(stand.url, relation)
      const found = await portal.read(['7', '07', '7.0', '9007199254740993', '9007199254740992'])
      expect([...found.keys()].sort()).toEqual(['7', '9007199254740993'])
      expect((await portal.page(all, null, 10)).map(({ pinId }) => pinId)).toEqual(['7', '9007199254740993'])
      await portal.close()
    }
  })

  it('tells ids apart that the column takes as equal', async () => {
    await stand.run(`create table folded (pin_id text collate nocase, email text, expires_at text);
      insert into folded values ('x', 'x@example.com', '${expires_at}'), ('X', 'big@example.com', '${expires_at}')`)
    const portal = await openPortal(stand.url, 'folded')
    expect((await portal.read(['X'])).get('X')?.email).toBe('big@example.com')
    expect((await portal.read(['X'])).size).toBe(1)
    const [first] = await portal.page(all, null, 1)
    const [second] = await portal.page(all, { expiresAt: Date.parse(expires_at), pinId: first?.pinId ?? '' }, 1)
    expect([first?.pinId, second?.pinId]).toEqual(['X', 'x'])
    await portal.close()
  })

  it('uses the indexes that the portal has', async () => {
    await stand.run('create index by_expiry on pin_store (expires_at); create unique index by_id on pin_store (pin_id)')
    const plan = (sql: string) => {
      const db = new Database(file, { readonly: true })
      const details = db.prepare(`explain query plan ${sql}`).all() as { detail: string }[]
      db.close()
      return details.map(({ detail }) => detail).join('\n')
    }
    expect(plan(`select * from expiring_pins p where p.expires_at >= '2026' and p.expires_at < '2027'`)).toMatch(
      /by_expiry/,
    )
    expect(plan(`select * from expiring_pins p where p.pin_id in (select value from json_each('[]'))`)).toMatch(/by_id/)
  })
})
