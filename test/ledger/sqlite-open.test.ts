import { open, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { openLedger } from '#ledger/open.ts'
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
      await expect(openLedger(`file:${folder}`, { mode })).rejects.toEqual(unusable(/could not be opened/))
    })
  }

  it('says that the folder cannot be created', async () => {
    const folder = await newFolder()
    await writeFile(join(folder, 'taken'), '')
    const opening = openLedger(`file:${join(folder, 'taken', 'ledger.db')}`, { mode: 'migrate' })
    await expect(opening).rejects.toEqual(unusable(/the folder of the ledger .* could not be created/))
  })

  for (const mode of ['migrate', 'as-is'] as const) {
    it(`leaves another program's database as it is, to the byte (${mode})`, async () => {
      const file = join(await newFolder(), 'portal.db')
      withRaw(file, (raw) => raw.exec('create table users (id integer primary key)'))
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

async function newLedgerFile(): Promise<string> {
  const file = join(await newFolder(), 'ledger.db')
  const { ledger } = await openLedger(`file:${file}`, { mode: 'migrate' })
  await ledger.close()
  return file
}

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
