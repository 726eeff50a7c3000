import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import * as contract from './contract.ts'
import { csv, openShop, type Shop } from './shop.ts'

// One installation with a campaign that is on and one that is off, and more PINs that are due than a list holds.

const many = 1_100
/** The same for every command, whenever the day ends. */
const now = Date.now()
const at = ['--at', new Date(now).toISOString()] as const
let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  const soft = readFileSync(join(shop.folder, 'config/campaigns/soft-pin.yaml'), 'utf8')
  await shop.write('config/campaigns/later.yaml', soft.replace('key: soft-pin', 'key: later\nlimit: { perDay: 400 }'))
  const due = Array.from({ length: many }, (_, n) => [`PIN-${n}`, `p${n}@example.com`, 5] as const)
  const file = await shop.write('pins.csv', csv([...due, ['PIN-far', 'far@example.com', 300]]))
  await shop.json('pins', 'import', file)
  await shop.json('campaign', 'enable', 'soft-pin', '--reason', 'try')
})
afterAll(() => shop.close())

async function expectJson<T>(schema: z.ZodType<T>, exit: number, ...args: string[]): Promise<T> {
  const { code, document, stderr } = await shop.json(...args)
  expect(code, stderr).toBe(exit)
  return schema.parse(document)
}

describe('a scan that only looks', () => {
  it('lists who would be written to, also by a campaign that is off, and says that there are more', async () => {
    const told = await expectJson(contract.scanDryRun, 0, 'scan', '--dry-run')
    expect(told.truncated).toBe(true)
    expect(told.campaigns).toMatchObject({
      later: { own: 'off', examined: many, total: many, skipped: { superseded: 2 * many } },
      'soft-pin': { own: 'on', examined: many, total: many, skipped: { superseded: 2 * many } },
    })
    const listed = Object.values(told.campaigns).flatMap(({ reminders }) => reminders)
    expect(listed).toHaveLength(1_000)
    expect(listed[0]).toMatchObject({ pinId: 'PIN-0', stage: '7d', to: 'p0@example.com' })
  })

  it('writes all of them to a file that nobody else may read', async () => {
    const file = join(shop.folder, 'all.ndjson')
    writeFileSync(file, '{"of":"yesterday"}\n')
    const told = await expectJson(contract.scanDryRun, 0, 'scan', '--dry-run', '--campaign', 'soft-pin', '--out', file)
    expect(Object.keys(told.campaigns)).toEqual(['soft-pin'])
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line)).slice(0, 1_000)).toEqual(
      told.campaigns['soft-pin']?.reminders.map((reminder) => ({ campaign: 'soft-pin', ...reminder })),
    )
    expect(lines).toHaveLength(many)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('says so when the file cannot be written, and leaves nothing behind', async () => {
    const folder = join(shop.folder, 'out')
    mkdirSync(join(folder, 'taken'), { recursive: true })
    for (const file of [join(folder, 'nowhere', 'x'), join(folder, 'taken')]) {
      const { error } = await expectJson(contract.failure, 1, 'scan', '--dry-run', '--out', file)
      expect(error).toMatchObject({ code: 'output-unwritable', message: expect.stringContaining(file) })
    }
    expect(readdirSync(folder)).toEqual(['taken'])
  })

  it('does not write over the ledger, or over anything that is no such list, nor put a file in the place of a device', async () => {
    for (const file of [shop.ledgerFile, join(shop.folder, 'config/forewarn.yaml')]) {
      const before = readFileSync(file)
      const { error } = await expectJson(contract.failure, 2, 'scan', '--dry-run', '--out', file)
      expect(error).toMatchObject({ code: 'usage', message: expect.stringContaining('would overwrite') })
      expect(readFileSync(file).equals(before)).toBe(true)
    }
    // Through a link, so that a mistake costs the link alone.
    const device = join(shop.folder, 'device')
    symlinkSync('/dev/null', device)
    await expectJson(contract.scanDryRun, 0, 'scan', '--dry-run', '--out', device)
    expect(lstatSync(device).isSymbolicLink()).toBe(true)
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
  })

  it('takes any day, and another campaign only by its name', async () => {
    const later = new Date(now + 280 * 86_400_000).toISOString()
    const told = await expectJson(contract.scanDryRun, 0, 'scan', '--dry-run', '--at', later)
    expect(told.campaigns).toMatchObject({
      'soft-pin': { examined: 1, reminders: [{ pinId: 'PIN-far', stage: '30d' }] },
    })
    const { error } = await expectJson(contract.failure, 2, 'scan', '--dry-run', '--campaign', 'nope')
    expect(error.code).toBe('campaign-unknown')
  })

  it('tells people how many, why not, and how to see all', async () => {
    const { stdout } = await shop.run('scan', '--dry-run')
    expect(stdout).toMatch(/soft-pin: [\s\S]*p0@example.com[\s\S]*and 1095 more/)
    expect(stdout).toContain(`soft-pin: ${many} PINs in reach; ${many} people would be written to about ${many} PINs`)
    expect(stdout).toMatch(/superseded +2200 +a nearer stage/)
    expect(stdout).toContain('All of them: forewarn scan --dry-run --out FILE')
  })

  it('does not scan without --dry-run, and says what does', async () => {
    const { error } = await expectJson(contract.failure, 2, 'scan')
    expect(error).toMatchObject({ code: 'usage', hint: expect.stringMatching(/run --once.*start/) })
  })
})

describe('a forecast', () => {
  it('counts the mails of each day and campaign, and what a limit keeps back', async () => {
    const { days } = await expectJson(contract.forecast, 0, 'forecast', '--days', '3', ...at)
    expect(days.map(({ date }) => date)).toEqual(
      [0, 1, 2].map((day) => new Date(now + day * 86_400_000).toISOString().slice(0, 10)),
    )
    expect(days).toMatchObject([
      { messages: { later: many, 'soft-pin': many }, over: { later: many - 400, 'soft-pin': 0 } },
      { messages: { later: many - 400, 'soft-pin': 0 }, over: { later: many - 800 } },
      { messages: { later: many - 800 }, over: { later: 0 } },
    ])
  })

  it('shows people a table that fits a terminal, with what is over and what is off', async () => {
    const { stdout } = await shop.run('forecast', '--days', '9', '--at', '2026-11-23T10:00:00Z')
    expect(stdout).toMatch(/ later \(off\) +soft-pin\nMon 2026-11-23 +\d/)
    expect(stdout).toMatch(/^sent in all/m)
    expect(
      Math.max(
        ...stdout
          .split('\n')
          .slice(1, 14)
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(80)
    expect((await shop.run('forecast', '--days', '2', ...at)).stdout).toMatch(/400 +\+700[\s\S]*later 400 mails a day/)
  })

  it.each([['0'], ['367'], ['1.5'], ['soon'], ['-1']])('does not take %s days', async (days) => {
    expect((await expectJson(contract.failure, 2, 'forecast', `--days=${days}`)).error.code).toBe('usage')
  })
})

it('warns of PINs that are too old for a run, and shows them all the same', async () => {
  const { code, stdout, stderr } = await shop.run('scan', '--dry-run', ...at)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const ledger = new Database(shop.ledgerFile)
  ledger.exec("update meta set value = '0' where key = 'pins-refreshed-at'")
  ledger.close()
  const stale = await shop.run('scan', '--dry-run', ...at)
  expect(stale.stdout).toBe(stdout)
  expect(stale.stderr).toContain('portal.maxAge')
})
