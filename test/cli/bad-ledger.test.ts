import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openLedger } from '#ledger/open.ts'
import { makePipe } from '../settings/folder.ts'
import { failure, switchOff } from './contract.ts'
import { forewarnJson, root, start } from './forewarn.ts'
import { openShop, type Shop } from './shop.ts'

let shop: Shop
beforeEach(async () => {
  shop = await openShop()
  const { ledger } = await openLedger(`file:${shop.ledgerFile}`, { mode: 'migrate' })
  await ledger.close()
})
afterEach(() => shop.close())

/** What becomes of the ledger's file, and what is said then. */
const table: readonly (readonly [what: string, harm: (file: string) => unknown, says: RegExp])[] = [
  ['is a text', (file) => writeFile(file, 'Dear diary, '.repeat(500)), /is not a SQLite database/],
  ['was cut off', (file) => truncate(file, 20_000), /is damaged/],
  ['is damaged in the middle', (file) => overwrite(file, 4_096), /is damaged/],
  ['is empty', (file) => truncate(file, 0), /there is no ledger at/],
  ['belongs to another program', portal, /is the database of another program/],
  ['is gone', (file) => rm(file), /there is no ledger at/],
  ['is a folder', (file) => rm(file).then(() => mkdir(file)), /is a folder, not a file/],
  ['is a pipe', (file) => rm(file).then(() => makePipe(file)), /is not a regular file/],
]

describe.each(table)('a ledger that %s', (_what, harm, says) => {
  it('is told in a sentence, cannot be stopped, and stays as it is', async () => {
    await harm(shop.ledgerFile)
    const before = await contentOf(shop.ledgerFile)
    const [status, disable, off] = await Promise.all(
      ['switch status', 'campaign disable soft-pin', 'switch off'].map((line) => shop.json(...line.split(' '))),
    )
    for (const ended of [status, disable]) {
      const { error } = failure.parse(ended?.document)
      expect([ended?.code, error.code]).toEqual([1, 'ledger-unusable'])
      expect(error.message).toMatch(says)
      expect(error.hint).toMatch(/\w/)
    }
    const { error } = failure.parse(off?.document)
    expect([off?.code, error.code]).toEqual([1, 'not-stopped'])
    expect(error.message).toMatch(/^NOT STOPPED: processes that reach the ledger may still send \(/)
    expect(error.message).toMatch(says)
    expect(error.hint).toContain('--ses')
    for (const ended of [status, disable, off]) expect(ended?.stderr).not.toMatch(/^ {4}at /m)
    expect(await contentOf(shop.ledgerFile)).toEqual(before)
  })
})

describe('an address that is none', () => {
  it.each(['mysql://u:hunter2@h/d', 'file:', 'ledger.db', ':memory:'])('%s is refused as usage', async (address) => {
    const surroundings = { cwd: shop.folder, env: { DATABASE_URL: address } }
    const status = await forewarnJson(['switch', 'status'], surroundings)
    expect(failure.parse(status.document).error.code).toBe('settings-invalid')
    const off = await forewarnJson(['switch', 'off'], surroundings)
    expect(failure.parse(off.document).error.message).toMatch(/^NOT STOPPED: .*DATABASE_URL/)
    expect([status.code, off.code]).toEqual([2, 1])
    expect(status.stdout + status.stderr + off.stdout + off.stderr).not.toContain('hunter2')
  })
})

describe('a stop', () => {
  it('waits for a ledger that another program has locked, says so, and stops as soon as it can', async () => {
    const other = new Database(shop.ledgerFile)
    other.exec('begin exclusive')
    const stop = start(['switch', 'off', '--json'], { cwd: shop.folder })
    const document = text(stop.stdout)
    let said = ''
    for await (const chunk of stop.stderr) {
      said += chunk
      if (said.includes('NOT STOPPED YET')) other.close()
    }
    expect(said).toContain('locked or slow')
    expect(switchOff.parse(JSON.parse(await document))).toMatchObject({ gate: { state: 'off' }, drained: true })
    expect(await stop.ended).toBe(0)
  })

  it('spends the reserve on a full disk; where that does not help, it says so, and the ledger stays whole', async () => {
    const { ledger } = await openLedger(`file:${shop.ledgerFile}`, { mode: 'migrate' })
    await ledger.gates.read('*')
    const { error } = failure.parse(await stopOnFullDisk())
    expect(error.message).toMatch(/^NOT STOPPED: .*could not be (read or )?written/)
    expect(error.hint).toContain('free space')
    expect(existsSync(`${shop.ledgerFile}-reserve`)).toBe(false)
    expect(await ledger.gates.read('*')).toMatchObject({ state: 'on' })

    expect(switchOff.parse((await shop.json('switch', 'off')).document)).toMatchObject({ gate: { state: 'off' } })
    await ledger.close()
  })
})

/** No file may grow beyond four KiB, whatever is deleted: as root, too, and without a disk to fill. */
async function stopOnFullDisk(): Promise<unknown> {
  const line = [process.execPath, join(root, 'src/cli/main.js'), 'switch', 'off', '--json']
  const child = spawn('bash', ['-c', 'ulimit -f 4 && exec "$@"', 'bash', ...line], {
    cwd: shop.folder,
    env: { PATH: process.env.PATH, FOREWARN_ACTOR: 'tester' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return JSON.parse(await text(child.stdout))
}

async function overwrite(file: string, from: number): Promise<void> {
  const content = await readFile(file)
  await writeFile(file, content.fill(0xff, from))
}

async function portal(file: string): Promise<void> {
  await rm(file)
  const raw = new Database(file)
  raw.exec('create table gate (id integer primary key); create table audit (what text)')
  raw.close()
}

/** Of a file its bytes; of what is none, that it is none. */
function contentOf(file: string): Promise<Uint8Array> | string {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats?.isFile() ? readFile(file) : `a file: ${stats?.isFile()}`
}
