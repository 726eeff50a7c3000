import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OpenedLedger, openLedger } from '#ledger/open.ts'
import { seedPending } from '../ledger/fixtures.ts'
import { claimed } from '../ledger/sending.ts'
import { failure, switchOff } from './contract.ts'
import { forewarn, root, start } from './forewarn.ts'
import { openShop, type Shop } from './shop.ts'

let shop: Shop
let opened: OpenedLedger
beforeEach(async () => {
  shop = await openShop()
  opened = await openLedger(`file:${shop.ledgerFile}`, { mode: 'migrate' })
})
afterEach(async () => {
  await opened.ledger.close()
  await shop.close()
})

describe('a stop', () => {
  it('that is not drained in time ends with 4, and names who is waited for', async () => {
    const [id = ''] = await seedPending(opened.ledger, 3)
    await claimed(opened.ledger, id, { freshUntilMonotonicMs: Number.POSITIVE_INFINITY, leaseMs: 600_000 })
    const { code, document } = await shop.json('switch', 'off', '--wait', '0')
    expect(switchOff.parse(document)).toMatchObject({
      drained: false,
      inFlight: 1,
      waitingFor: [{ worker: 'host:1', pid: 1, host: 'host' }],
      held: 2,
      heldByCampaign: { 'soft-pin': 2 },
    })
    expect(code).toBe(4)

    const again = await shop.run('stop', '--wait', '0')
    expect(again.stdout).toMatch(/^SENDING IS STOPPED\n[\s\S]*drained +NOT YET: 1 call is still open/)
    expect(again.code).toBe(4)
  })

  it('whose wait is interrupted still tells its receipt', async () => {
    const [id = ''] = await seedPending(opened.ledger, 1)
    await claimed(opened.ledger, id, { freshUntilMonotonicMs: Number.POSITIVE_INFINITY, leaseMs: 600_000 })
    const stop = start(['switch', 'off', '--wait', '600'], { cwd: shop.folder })
    let said = ''
    for await (const chunk of stop.stdout) {
      if (said === '') stop.kill('SIGINT')
      said += chunk
    }
    expect(said).toMatch(/^SENDING IS STOPPED\n[\s\S]*NOT YET/)
    expect(await stop.ended).toBe(4)
  })

  it('works on a ledger of a newer version', async () => {
    const raw = new Database(shop.ledgerFile)
    raw.exec(
      'insert into __drizzle_migrations (hash, created_at) values (1, 9e15); drop table edition; drop table meta',
    )
    raw.close()
    expect((await shop.run('switch', 'off')).stdout).toMatch(/^SENDING IS STOPPED\n/)
    expect((await shop.run('switch', 'status')).stdout).toMatch(/^SENDING IS STOPPED\n/)
  })

  it('says NOT STOPPED when the ledger cannot be used, and names another way', async () => {
    const file = join(shop.folder, 'no-ledger.db')
    await writeFile(file, 'this is a text'.repeat(100))
    const { code, stdout, stderr } = await forewarn(['stop', '--reason', 'help'], {
      cwd: shop.folder,
      env: { DATABASE_URL: `file:${file}` },
    })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('error: NOT STOPPED: processes that reach the ledger may still send')
    expect(stderr).toContain('--ses')
  })

  it('that is mistyped says that nothing was stopped', async () => {
    const { code, document } = await shop.json('switch', 'off', '--reson', 'a slip')
    const { error } = failure.parse(document)
    expect(error.message).toMatch(/^NOT STOPPED: unknown option '--reson'/)
    expect(error.hint).toContain('--reason')
    expect(code).toBe(2)
    expect((await opened.ledger.gates.read('*'))?.state).toBe('on')
  })
})

describe('the commands of the kill switch', () => {
  const heavy = /node_modules\/(mjml|@aws-sdk|@smithy|bullmq|ioredis|@electric-sql|hono|@hono|pg|zod|cron-parser)\b/
  it.each(['switch status', 'switch off', 'campaign disable soft-pin'])('`%s` loads nothing heavy', async (line) => {
    await seedPending(opened.ledger, 1)
    const loads = join(shop.folder, 'loads.txt')
    const recorder = pathToFileURL(join(root, 'test/cli/record-loads.js')).href
    const { code } = await forewarn(line.split(' '), {
      cwd: shop.folder,
      env: { LOADS_FILE: loads },
      nodeArgs: ['--import', recorder],
    })
    const urls = readFileSync(loads, 'utf8').split('\n').filter(Boolean)
    expect(code).toBe(0)
    expect(
      urls.some((url) => url.includes('better-sqlite3')),
      'the recorder records',
    ).toBe(true)
    expect(urls.filter((url) => heavy.test(url))).toEqual([])
  })
})
