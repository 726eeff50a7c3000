import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { everything, type Ledger } from '#ledger/ledger.ts'
import { type OpenOptions, openLedger } from '#ledger/open.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { monday, ops, seedPending } from './fixtures.ts'
import type { TestLedger } from './harness.ts'
import { type Line, openLine } from './line.ts'
import { openOn } from './postgres-harness.ts'
import { answerOf, claimed, requestOf } from './sending.ts'

const clocks = { business: () => monday, wall: () => monday, monotonicMs: () => 1000 }

/** As the statement ends on the line: beginnings hold the word too. */
const commit = 'commit\0'

describe('a ledger on a PostgreSQL that fails', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  it('puts claims and settlements that come together into a few commits', async () => {
    const test = await newLedger(server)
    const ids = await seedPending(test.ledger, 100)
    let commits = 0
    const ledger = await opened(test.ledger.address, { afterCommit: () => (commits += 1) })
    const requests = await Promise.all(ids.map((id) => requestOf(ledger, id)))
    const claims = await Promise.all(requests.map((request) => ledger.outbox.claim(request)))
    expect(claims.filter((claim) => claim.kind === 'claimed')).toHaveLength(100)
    const answers = claims.map((claim, n) =>
      answerOf(ids[n] ?? '', claim.kind === 'claimed' ? claim.attempt : 0, 'accepted'),
    )
    await Promise.all(answers.map((answer) => ledger.outbox.settle(answer)))
    expect(await ledger.reports.countsByCampaign()).toMatchObject(new Map([['soft-pin', { sent: 100 }]]))
    expect(commits).toBeLessThan(10)
  })

  it('does not fail a batch for one bad claim or settlement', async () => {
    const { ledger } = await newLedger(server)
    const ids = await seedPending(ledger, 6)
    const [settled = '', spoilt = '', ...others] = ids
    const attempts = [await claimed(ledger, settled), await claimed(ledger, spoilt)] as const
    const requests = await Promise.all(others.map((id) => requestOf(ledger, id)))
    // A character that PostgreSQL does not take.
    const bad = { ...(await requestOf(ledger, others[0] ?? '')), messageId: others[1] ?? '', token: '\0' }
    const results = await Promise.allSettled([
      ledger.outbox.claim(requests[0] ?? bad),
      ledger.outbox.claim({ ...bad, composed: requests[1]?.composed ?? [] }),
      ledger.outbox.claim(requests[2] ?? bad),
      ledger.outbox.settle(answerOf(settled, attempts[0], 'accepted')),
      ledger.outbox.settle(answerOf(spoilt, attempts[1], 'refused', { code: '\0' })),
      ledger.outbox.claim(requests[3] ?? bad),
    ])
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
    const refusal = results[1]?.status === 'rejected' ? results[1].reason : null
    expect(refusal).toMatchObject({ code: 'ledger-unusable', message: expect.stringContaining('SQLSTATE 22021') })
    expect(await ledger.reports.countsByCampaign()).toMatchObject(
      new Map([['soft-pin', { sending: 4, sent: 1, pending: 1 }]]),
    )
  })

  it('passes over a message that is locked, takes the others, and comes back to it', async () => {
    const { ledger } = await newLedger(server)
    const [locked = '', free = ''] = await seedPending(ledger, 2)
    const requests = [await requestOf(ledger, locked), await requestOf(ledger, free)] as const
    const other = await session(server, ledger)
    await other.query('begin')
    await other.query('select from message where id = $1 for update', [locked])
    const claim = ledger.outbox.claim(requests[0])
    expect(await ledger.outbox.claim(requests[1])).toMatchObject({ kind: 'claimed' })
    await other.query('commit')
    expect(await claim).toMatchObject({ kind: 'claimed' })
  })

  it('refuses a claim as stale whose message stays locked', async () => {
    let monotonicMs = 1000
    const { ledger } = await newLedger(server, { ...clocks, monotonicMs: () => monotonicMs })
    const [id = ''] = await seedPending(ledger, 1)
    const request = await requestOf(ledger, id)
    const other = await session(server, ledger)
    await other.query('begin; select from message for update')
    const claim = ledger.outbox.claim(request)
    monotonicMs = request.freshUntilMonotonicMs + 1
    expect(await claim).toEqual({ kind: 'refused', because: 'stale' })
  })

  it.each([
    ['cut-after', 1],
    ['cut-before', 0],
  ] as const)('finds out what became of a claim whose connection broke at the commit (%s)', async (mishap, made) => {
    const { ledger } = await newLedger(server)
    const [id = ''] = await seedPending(ledger, 1)
    const request = await requestOf(ledger, id)
    const { line, ledger: far } = await atTheEndOfALine(server, ledger)
    void line.failAt(commit, mishap)
    const claim = await far.outbox.claim(request)
    const open = await ledger.attempts.open()
    expect(open).toHaveLength(made)
    expect(claim).toEqual({ kind: 'answer-lost', attempt: open[0]?.number ?? null })
  })

  it('waits for a commit that is still under way before it tells that its claim was not made', async () => {
    const { ledger } = await newLedger(server)
    const [id = ''] = await seedPending(ledger, 1)
    const request = await requestOf(ledger, id)
    const { line, ledger: far } = await atTheEndOfALine(server, ledger)
    const held = line.failAt(commit, 'cut-and-hold')
    const claim = far.outbox.claim(request)
    await held
    await waitsForTheGates(server, claim)
    line.letGo()
    expect(await claim).toEqual({ kind: 'answer-lost', attempt: 1 })
    expect(await ledger.attempts.open()).toHaveLength(1)
  })

  it('closes a gate after the claims that have begun, and tells them as in flight', async () => {
    const { ledger } = await newLedger(server)
    const [id = ''] = await seedPending(ledger, 1)
    const request = await requestOf(ledger, id)
    const { line, ledger: far } = await atTheEndOfALine(server, ledger)
    const held = line.failAt(commit, 'hold')
    const claim = far.outbox.claim(request)
    await held
    const closing = ledger.gates.close(everything, ops)
    await waitsForTheGates(server, closing)
    line.letGo()
    expect(await claim).toEqual({ kind: 'claimed', attempt: 1 })
    expect(await closing).toMatchObject({ changed: true, inFlight: [1] })
  })

  it('settles once when the connection broke at the commit, and claims anew what had not been committed', async () => {
    const { ledger } = await newLedger(server)
    const [id = ''] = await seedPending(ledger, 1)
    const { line, ledger: far } = await atTheEndOfALine(server, ledger)
    const request = await requestOf(ledger, id, { cap: { localDate: '2026-11-23', max: 1 } })
    void line.failAt('insert into "attempt"', 'cut-before')
    const claim = await far.outbox.claim(request)
    expect(claim).toEqual({ kind: 'claimed', attempt: expect.any(Number) })
    void line.failAt(commit, 'cut-after')
    const answer = answerOf(id, claim.kind === 'claimed' ? claim.attempt : 0, 'unknown')
    expect(await far.outbox.settle(answer)).toBe('applied')
    expect((await ledger.pace.read()).unansweredInARow).toBe(1)
  })

  it('is stopped though a process stands still in the middle of its claim, which never succeeds', async () => {
    const { ledger } = await newLedger(server)
    const [id = ''] = await seedPending(ledger, 1)
    const request = await requestOf(ledger, id)
    const { line, ledger: far } = await atTheEndOfALine(server, ledger)
    const hanging = line.failAt('insert into "attempt"', 'hold')
    const claim = far.outbox.claim(request)
    await hanging
    expect(await ledger.gates.close(everything, ops)).toMatchObject({ changed: true, inFlight: [] })
    line.cut()
    expect(await claim).toEqual({ kind: 'refused', because: 'gate' })
    expect(await ledger.attempts.open()).toEqual([])
  })

  it('goes on after the server was restarted, and every claim knows what became of it', async () => {
    const { ledger } = await newLedger(server)
    const ids = await seedPending(ledger, 60)
    const requests = await Promise.all(ids.map((id) => requestOf(ledger, id)))
    const claims = requests.map(async (request, n) => {
      // One after the other, so that some are made before, while and after it is down.
      await pause(n * 5)
      return { token: request.token, claim: await ledger.outbox.claim(request) }
    })
    await server.restart()
    const results = await Promise.all(claims)
    const other = await session(server, ledger)
    const { rows } = await other.query<{ token: string; number: string }>('select token, number from attempt')
    const numbers = new Map(rows.map((row) => [row.token, Number(row.number)]))
    for (const { token, claim } of results) {
      expect(claim.kind === 'refused' ? null : claim.attempt).toBe(numbers.get(token) ?? null)
    }
    expect(await ledger.outbox.sendable(monday, 100)).toHaveLength(60 - numbers.size)
  })

  it('is stopped by a stop that begins while the server is down', async () => {
    const { ledger } = await newLedger(server)
    const down = server.restart()
    const closing = ledger.gates.close(everything, ops)
    const opening = openLedger(ledger.address, { mode: 'as-is' })
    await down
    expect(await closing).toMatchObject({ changed: true, gate: { state: 'off' } })
    const another = await opening
    expect(await another.ledger.gates.read(everything)).toMatchObject({ state: 'off' })
    await another.ledger.close()
  })

  it('keeps what it has committed over a crash, also on a server that is set to lose the last moments', async () => {
    const test = await newLedger(server)
    await test.tamper(`alter system set synchronous_commit = off`)
    await test.tamper(`alter system set wal_writer_delay = '10s'`)
    await test.tamper('select pg_reload_conf()')
    const ledger = await opened(test.ledger.address)
    await ledger.gates.close(everything, ops)
    server.kill()
    await server.restart()
    expect(await ledger.gates.read(everything)).toMatchObject({ state: 'off' })
  })
})

async function newLedger(server: PostgresServer, own: OpenOptions['clocks'] = clocks): Promise<TestLedger> {
  const test = await openOn(server.url, own)
  onTestFinished(() => test.close())
  return test
}

async function opened(address: string, options: Partial<OpenOptions> = {}): Promise<Ledger> {
  const { ledger } = await openLedger(address, { mode: 'as-is', clocks, ...options })
  onTestFinished(() => ledger.close())
  return ledger
}

/** Resolves when somebody waits for the gates' lock, or when the work has ended without. */
async function waitsForTheGates(server: PostgresServer, work: Promise<unknown>): Promise<void> {
  const client = new Client(server.url)
  await client.connect()
  let ended = false
  void work.then(() => (ended = true))
  const waiting = `select from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and not granted`
  while (!ended && (await client.query(waiting)).rowCount === 0) await pause(5)
  await client.end()
}

/** A session of another program in the ledger's schema. */
async function session(server: PostgresServer, ledger: Ledger): Promise<Client> {
  const schema = new URL(ledger.address).searchParams.get('search_path')
  const client = new Client({ connectionString: server.url, options: `-c search_path=${schema}` })
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

/** The same ledger as another process would have it, over a line that can fail. */
async function atTheEndOfALine(server: PostgresServer, ledger: Ledger): Promise<{ line: Line; ledger: Ledger }> {
  const line = await openLine(Number(new URL(server.url).port))
  onTestFinished(() => line.close())
  const address = new URL(ledger.address)
  address.port = String(line.port)
  return { line, ledger: await opened(address.href) }
}
