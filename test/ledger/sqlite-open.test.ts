import { existsSync } from 'node:fs'
import { chmod, open, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { describe, expect, it } from 'vitest'
import { openLedger } from '#ledger/open.ts'
import { makePipe } from '../settings/folder.ts'
import { startChild } from './child.ts'
import { ops } from './fixtures.ts'
import { newFolder } from './folder.ts'

const unusable = (sentence: RegExp) =>
  expect.objectContaining({ name: 'ForewarnError', code: 'ledger-unusable', message: expect.stringMatching(sentence) })

describe('opening a ledger in a SQLite file', () => {
  it('creates the file and the folders above it, and gives the absolute address', async () => {
    const file = join(await newFolder(), 'a', 'b', 'ledger.db')
    const { ledger } = await openLedger(`file:${file}`, { mode: 'migrate' })
    expect(ledger.address).toBe(`file:${file}`)
    expect(await ledger.gates.read('*')).toMatchObject({ state: 'on' })
    await ledger.close()
  })

  it('takes an address as browsers write it', async () => {
    const file = join(await newFolder(), 'ledger.db')
    const { ledger } = await openLedger(`file://${file}`, { mode: 'migrate' })
    expect(ledger.address).toBe(`file:${file}`)
    await ledger.close()
  })

  it('takes an existing file only, for the stop, and creates none', async () => {
    const folder = await newFolder()
    const opening = openLedger(`file:${join(folder, 'ledger.db')}`, { mode: 'as-is' })
    await expect(opening).rejects.toEqual(unusable(/there is no ledger at .*ledger\.db/))
    expect(await readdir(folder)).toEqual([])
  })

  for (const mode of ['migrate', 'as-is'] as const) {
    it(`says that a file is no database (${mode})`, async () => {
      const file = join(await newFolder(), 'notes.txt')
      await writeFile(file, 'Dear diary, '.repeat(500))
      await expect(openLedger(`file:${file}`, { mode })).rejects.toEqual(
        unusable(/notes\.txt is not a SQLite database/),
      )
    })

    it(`says that a folder cannot be opened as a file (${mode})`, async () => {
      const folder = await newFolder()
      await expect(openLedger(`file:${folder}`, { mode })).rejects.toEqual(unusable(/is a folder, not a file/))
    })

    it(`does not wait for a pipe (${mode})`, async () => {
      const file = join(await newFolder(), 'ledger.db')
      makePipe(file)
      await expect(openLedger(`file:${file}`, { mode })).rejects.toEqual(unusable(/is not a regular file/))
    })

    it(`says that a link leads in a circle (${mode})`, async () => {
      const file = join(await newFolder(), 'ledger.db')
      await symlink(file, file)
      await expect(openLedger(`file:${file}`, { mode })).rejects.toEqual(unusable(/is a link that leads nowhere/))
    })

    it(`says that a ledger was cut off, and leaves what is left as it is (${mode})`, async () => {
      const file = await newLedgerFile()
      await truncate(file, 20_000)
      const before = await readFile(file)
      await expect(openLedger(`file:${file}`, { mode })).rejects.toEqual(unusable(/is damaged/))
      expect(await readFile(file)).toEqual(before)
    })
  }

  it('says that something above it is no folder', async () => {
    const folder = await newFolder()
    await writeFile(join(folder, 'taken'), '')
    const opening = openLedger(`file:${join(folder, 'taken', 'ledger.db')}`, { mode: 'as-is' })
    await expect(opening).rejects.toEqual(unusable(/something above it is no folder/))
  })

  it('says that the folder cannot be created', async () => {
    const folder = await newFolder()
    await writeFile(join(folder, 'taken'), '')
    const opening = openLedger(`file:${join(folder, 'taken', 'ledger.db')}`, { mode: 'migrate' })
    await expect(opening).rejects.toEqual(unusable(/the folder of the ledger .* could not be created/))
  })

  for (const mode of ['migrate', 'as-is'] as const) {
    it(`leaves another program's database as it is, to the byte (${mode})`, async () => {
      const file = join(await newFolder(), 'portal.db')
      withRaw(file, (raw) => raw.exec('create table gate (id); create table attempt (id); create table audit (id)'))
      const before = await readFile(file)
      await expect(openLedger(`file:${file}`, { mode })).rejects.toEqual(unusable(/another program/))
      expect(await readFile(file)).toEqual(before)
    })
  }

  it('takes an empty file for a new ledger', async () => {
    const file = join(await newFolder(), 'ledger.db')
    await writeFile(file, '')
    const { ledger } = await openLedger(`file:${file}`, { mode: 'migrate' })
    expect(await ledger.audit.list(10)).toMatchObject([{ action: 'ledger.create' }])
    await ledger.close()
  })

  it('refuses a ledger that a newer version has written, which can still be stopped', async () => {
    const file = await newLedgerFile()
    withRaw(file, (raw) => {
      raw.exec('alter table message add column later text')
      raw.exec(`insert into __drizzle_migrations (hash, created_at) values ('later', ${Date.now() + 1e12})`)
    })
    const opening = openLedger(`file:${file}`, { mode: 'migrate' })
    await expect(opening).rejects.toMatchObject({ code: 'ledger-newer', hint: expect.stringContaining('switch off') })

    const { ledger } = await openLedger(`file:${file}`, { mode: 'as-is' })
    expect(await ledger.gates.close('*', ops)).toMatchObject({ changed: true })
    await ledger.close()
  })

  it('stops in a ledger that has yet to be brought up to date, and says what other commands need', async () => {
    const file = await oldestLedgerFile()
    const { ledger } = await openLedger(`file:${file}`, { mode: 'as-is' })
    expect(await ledger.gates.close('*', ops)).toMatchObject({ changed: true })
    await expect(ledger.suppressions.list(10)).rejects.toMatchObject({
      code: 'ledger-unusable',
      message: expect.stringContaining('another version of forewarn'),
      hint: expect.stringContaining('forewarn migrate'),
    })
    await ledger.close()

    const later = await openLedger(`file:${file}`, { mode: 'migrate' })
    expect(await later.ledger.gates.read('*')).toMatchObject({ state: 'off', reason: ops.reason })
    expect(await later.ledger.suppressions.list(10)).toEqual([])
    await later.ledger.close()
  })

  describe('for a user who may not', () => {
    it.each([
      ['read the file', 0o000, 0o777, /may not be read and written by this user/],
      ['write to the file', 0o444, 0o777, /may not be read and written by this user/],
      ['write to the folder', 0o666, 0o555, /is read-only/],
      ['enter the folder', 0o666, 0o600, /may not be read and written by this user/],
    ])('%s: says so, and leaves nothing behind', async (_what, fileMode, folderMode, sentence) => {
      const file = await newLedgerFile()
      const folder = dirname(file)
      const before = await readdir(folder)
      const visitor = await startChild('open-as-visitor.ts', file)
      await chmod(file, fileMode)
      await chmod(folder, folderMode)
      visitor.say('open')
      const said = await visitor.hear()
      await chmod(folder, 0o777)
      expect(said).toMatch(sentence)
      expect(said).toContain('the user that the service runs as')
      expect(await readdir(folder)).toEqual(before)
    })
  })

  // Permissions do not bind root: a file format that is newer than this SQLite may be read only, by anyone.
  it('says that a ledger is read-only', async () => {
    const file = await newLedgerFile()
    await setWriteVersion(file, 3)
    const { ledger } = await openLedger(`file:${file}`, { mode: 'as-is' })
    expect(await ledger.gates.read('*')).toMatchObject({ state: 'on' })
    await expect(ledger.gates.close('*', ops)).rejects.toEqual(unusable(/is read-only/))
    await ledger.close()
  })

  it('says that a ledger is damaged', async () => {
    const file = await newLedgerFile()
    const content = await readFile(file)
    await writeFile(file, content.fill(0xff, 4096))
    const opening = openLedger(`file:${file}`, { mode: 'migrate' }).then(({ ledger }) => ledger.gates.list())
    await expect(opening).rejects.toEqual(unusable(/is damaged/))
  })
})

describe('a ledger in use', () => {
  it.each([
    ['is deleted', /was deleted or moved away while it was in use/, (file: string) => rm(file)],
    ['is replaced', /was replaced by another file while/, async (file: string) => rename(await newLedgerFile(), file)],
  ])('whose file %s is neither read nor written any more', async (_what, sentence, harm) => {
    const file = await newLedgerFile()
    const { ledger } = await openLedger(`file:${file}`, { mode: 'migrate' })
    await harm(file)
    await expect(ledger.gates.read('*')).rejects.toEqual(unusable(sentence))
    await expect(ledger.gates.open('soft-pin', ops, null)).rejects.toEqual(unusable(sentence))
    await expect(ledger.gates.close('*', ops)).rejects.toMatchObject({ hint: expect.stringContaining('start again') })
    await ledger.close()
  })

  it('keeps a reserve beside the file for a stop on a full disk', async () => {
    const file = await newLedgerFile()
    expect((await stat(`${file}-reserve`)).size).toBe(1024 * 1024)
    await rm(`${file}-reserve`)

    const asIs = await openLedger(`file:${file}`, { mode: 'as-is' })
    expect(await asIs.ledger.gates.close('*', ops)).toMatchObject({ changed: true })
    await asIs.ledger.close()
    expect(existsSync(`${file}-reserve`)).toBe(false)

    const next = await openLedger(`file:${file}`, { mode: 'migrate' })
    expect(existsSync(`${file}-reserve`)).toBe(true)
    await next.ledger.gates.open('*', ops, null)
    await next.ledger.gates.close('*', ops)
    expect(existsSync(`${file}-reserve`), 'a stop with room does not touch it').toBe(true)
    await next.ledger.close()
  })
})

async function newLedgerFile(): Promise<string> {
  const file = join(await newFolder(), 'ledger.db')
  const { ledger } = await openLedger(`file:${file}`, { mode: 'migrate' })
  await ledger.close()
  return file
}

/** A ledger as the first version left it. */
async function oldestLedgerFile(): Promise<string> {
  const file = join(await newFolder(), 'ledger.db')
  const [first] = readMigrationFiles({ migrationsFolder })
  withRaw(file, (raw) => {
    raw.exec(first?.sql.join(';') ?? '')
    raw.exec('create table __drizzle_migrations (id integer primary key, hash text not null, created_at numeric)')
    raw
      .prepare('insert into __drizzle_migrations (hash, created_at) values (?, ?)')
      .run(first?.hash, first?.folderMillis)
    raw.exec(`insert into gate values ('*', 'on', 0, 'new ledger', 'forewarn', 0, 1)`)
    raw.exec(`insert into meta values ('secret', '${'0'.repeat(64)}')`)
  })
  return file
}

const migrationsFolder = fileURLToPath(new URL('../../src/ledger/sqlite/migrations', import.meta.url))

/** Byte 18 of the header, https://www.sqlite.org/fileformat2.html#file_format_version_numbers */
async function setWriteVersion(file: string, version: number): Promise<void> {
  const handle = await open(file, 'r+')
  await handle.write(Uint8Array.of(version), 0, 1, 18)
  await handle.close()
}

function withRaw(file: string, use: (raw: Database.Database) => void): void {
  const raw = new Database(file)
  use(raw)
  raw.close()
}
