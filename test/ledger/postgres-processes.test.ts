import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { everything, type Ledger } from '#ledger/ledger.ts'
import { openLedger } from '#ledger/open.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { startChild } from './child.ts'
import { monday, ops, seedPending } from './fixtures.ts'
import { openOn } from './postgres-harness.ts'
import { answerOf, requestOf } from './sending.ts'

const clocks = { business: () => monday, wall: () => monday, monotonicMs: () => 1000 }

describe('processes that share a ledger on PostgreSQL', { timeout: 240_000 }, () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  it('create and migrate it at the same time, twenty at once, and all have the same one', async () => {
    const children = await Promise.all(Array.from({ length: 20 }, () => startChild('open-at-once.ts')))
    for (let round = 1; round <= 3; round += 1) {
      const address = `${server.url}?search_path=round_${round}`
      for (const child of children) child.say(address)
      const answers = await Promise.all(children.map((child) => child.hear()))
      expect(new Set(answers).size).toBe(1)
      expect(answers[0]).toMatch(/^on [0-9a-f]{32}$/)

      const { ledger } = await openLedger(address, { mode: 'migrate' })
      expect((await ledger.audit.list(10)).map((entry) => entry.action)).toEqual(['ledger.create'])
      await ledger.close()
    }
  })

  it('are stopped while forty of them claim without pause: none of them gets in twice before, nor at all after', async () => {
    const claimers = 40
    const test = await openOn(server.url, clocks)
    const ids = await seedPending(test.ledger, claimers)
    const ledgers: Ledger[] = []
    for (const _ of ids) ledgers.push((await test.reopen('as-is')).ledger)
    const stop = await test.reopen('as-is')
    await stop.ledger.gates.list()

    let made = 0
    const claiming = ledgers.map(async (ledger, n) => {
      const id = ids[n] ?? ''
      const request = await requestOf(ledger, id)
      for (;;) {
        const claim = await ledger.outbox.claim({ ...request, token: randomUUID() })
        if (claim.kind !== 'claimed') return claim
        made += 1
        const again = { notBefore: monday, wait: 'back-off' } as const
        await ledger.outbox.settle(answerOf(id, claim.attempt, 'not-sent', { again }))
      }
    })
    while (made < 10 * claimers) await new Promise((resolve) => setImmediate(resolve))

    const before = made
    await stop.ledger.gates.close(everything, ops)
    const meanwhile = made - before
    const [atStop] = await test.look('select count(*) as attempts from attempt')
    expect(new Set((await Promise.all(claiming)).map((end) => JSON.stringify(end)))).toEqual(
      new Set([JSON.stringify({ kind: 'refused', because: 'gate' })]),
    )
    expect(await test.look('select count(*) as attempts from attempt')).toEqual([atStop])
    expect(meanwhile).toBeLessThanOrEqual(2 * claimers)
    await test.close()
  })
})
