import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { everything, type Ledger } from '#ledger/ledger.ts'
import { openLedger } from '#ledger/open.ts'
import { type HealthChecks, healthRoutes, startWeb } from '#web/health.ts'
import { monday, ops } from '../ledger/fixtures.ts'
import { newFolder } from '../ledger/folder.ts'

const gate = { scope: '*', state: 'on', epoch: 0, reason: '', actor: '', since: monday } as const
const stuck = (): Promise<never> => new Promise(() => undefined)
const away = (): Promise<never> => Promise.reject(new Error('postgres://user:password@host'))

async function readiness(checks: Partial<HealthChecks>, withinMs?: number) {
  const app = healthRoutes({ gate: async () => gate, queue: async () => ({}), ...checks }, withinMs)
  const response = await app.request('/readyz')
  return [response.status, await response.json()]
}

describe('readiness', () => {
  it('says which part does not answer, and nothing else of it', async () => {
    expect(await readiness({})).toEqual([200, { ready: true, ledger: true, gate: true, queue: true }])
    expect(await readiness({ gate: async () => ({ ...gate, state: 'off' }) })).toMatchObject([200, { ready: true }])
    expect(await readiness({ gate: async () => null })).toEqual([
      503,
      { ready: false, ledger: true, gate: false, queue: true },
    ])
    expect(await readiness({ gate: away })).toEqual([503, { ready: false, ledger: false, gate: false, queue: true }])
    expect(await readiness({ queue: away })).toEqual([503, { ready: false, ledger: true, gate: true, queue: false }])
  })

  it('does not wait for a ledger or a queue that never answers', async () => {
    expect(await readiness({ gate: stuck }, 5)).toMatchObject([503, { ledger: false, queue: true }])
    expect(await readiness({ queue: stuck }, 5)).toMatchObject([503, { ledger: true, queue: false }])
  })

  it('is no condition of being up', async () => {
    const app = healthRoutes({ gate: away, queue: stuck }, 5)
    expect((await app.request('/healthz')).status).toBe(200)
  })
})

describe('readiness by a ledger', () => {
  async function aLedger(): Promise<{ file: string; ledger: Ledger; status: () => Promise<number> }> {
    const file = join(await newFolder(), 'ledger.db')
    const { ledger } = await openLedger(`file:${file}`, { mode: 'migrate' })
    onTestFinished(() => ledger.close())
    return {
      file,
      ledger,
      status: async () => (await readiness({ gate: () => ledger.gates.read(everything) }))[0] as number,
    }
  }

  it('is there while it is stopped, and while another program has it locked: it can be read', async () => {
    const { file, ledger, status } = await aLedger()
    expect(await status()).toBe(200)
    await ledger.gates.close('*', ops)
    expect(await status()).toBe(200)
    const other = new Database(file)
    other.exec('begin exclusive')
    expect(await status()).toBe(200)
    other.close()
  })

  it.each(['moved away', 'closed', 'without its kill switch'])('is gone when it is %s', async (fate) => {
    const { file, ledger, status } = await aLedger()
    if (fate === 'moved away') await rename(file, `${file}.away`)
    if (fate === 'closed') await ledger.close()
    if (fate === 'without its kill switch') {
      const other = new Database(file)
      other.exec(`delete from gate where scope = '*'`)
      other.close()
    }
    expect(await status()).toBe(503)
  })
})

it('a taken port is named', async () => {
  const first = await startWeb(healthRoutes({ gate: async () => gate, queue: stuck }), { host: '127.0.0.1', port: 0 })
  onTestFinished(() => first.stop())
  const port = Number(new URL(first.url).port)
  await expect(
    startWeb(healthRoutes({ gate: stuck, queue: stuck }), { host: '127.0.0.1', port }),
  ).rejects.toMatchObject({ code: 'port-taken', message: `port ${port} of 127.0.0.1 is taken` })
})
