import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { silentLog } from '#observe/observe.ts'
import { openQueue } from '#queue/bullmq-queue.ts'
import type { Queue } from '#queue/queue.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { aQueue, feedUntilTaken, refusal } from './given-queue.ts'
import { type RunningProxy, startProxy } from './proxy.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

/** A queue that works and has sent `before`. */
async function workingQueue(url: string = server.url) {
  const given = aQueue(url)
  await given.queue.start()
  await given.work()
  await given.queue.addSends(['before'])
  await given.untilSent('before')
  return given
}

/** Runs statements in one session; resolves with the first row of the last. */
async function sql(...statements: string[]): Promise<Record<string, unknown> | undefined> {
  const client = new Client(server.url)
  await client.connect()
  try {
    for (const statement of statements.slice(0, -1)) await client.query(statement)
    return (await client.query(statements.at(-1) ?? '')).rows[0]
  } finally {
    await client.end()
  }
}

async function failedTransactions(): Promise<number> {
  const row = await sql("SELECT xact_rollback AS n FROM pg_stat_database WHERE datname = 'postgres'")
  return Number(row?.n)
}

/** All that a producer may ask. */
const questions: readonly ((queue: Queue) => Promise<unknown>)[] = [
  (queue) => queue.addSends(['lost']),
  (queue) => queue.keepTimetable([{ job: { name: 'feed', campaign: null }, when: { everyMs: 60_000 } }]),
  (queue) => queue.startNow({ name: 'feed', campaign: null }),
  (queue) => queue.counts(),
]

describe('a queue whose PostgreSQL', () => {
  test('is killed refuses what it is asked at once and in words, tells of it once, and works again when it is back', async () => {
    const { queue, lines, untilSent } = await workingQueue()
    server.kill()
    await expect.poll(async () => String((await refusal(() => queue.counts())).error)).toContain('refused')
    for (const ask of questions) {
      const { error, tookMs } = await refusal(() => ask(queue))
      expect(error).toMatchObject({ code: 'queue-unusable', message: expect.stringContaining('refused') })
      expect(tookMs).toBeLessThan(2_000)
    }
    await server.restart()
    await feedUntilTaken(queue, 'after')
    await untilSent('after')
    const causes = lines.map(({ cause }) => cause)
    expect(causes).not.toEqual([])
    expect(causes).toEqual([...new Set(causes)])
  })

  test('is restarted in an orderly way works on by itself, and has what was queued', async () => {
    const { queue, untilSent } = await workingQueue()
    const idle = aQueue(server.url)
    await idle.queue.addSends(['kept'])
    await server.restart()
    await feedUntilTaken(queue, 'after')
    await untilSent('after')
    expect(await idle.queue.counts()).toEqual({ waiting: 1, active: 0 })
  })

  test('is read-only for a while is not asked thousands of times a second by its workers, and works again afterwards', async () => {
    const given = aQueue(server.url)
    await given.queue.addSends(['m1', 'm2', 'm3'])
    await sql("ALTER SYSTEM SET default_transaction_read_only = 'on'", 'SELECT pg_reload_conf()')
    await expect.poll(() => sql('CREATE TABLE refused ()').catch(({ code }) => code)).toBe('25006')
    const before = await failedTransactions()
    await given.work()
    await expect.poll(() => given.lines).toContainEqual(expect.objectContaining({ cause: '25006' }))
    const until = performance.now() + 1_500
    while (performance.now() < until) await given.queue.counts()
    expect((await failedTransactions()) - before).toBeLessThan(60)

    await sql('SET default_transaction_read_only = off', 'ALTER SYSTEM RESET ALL', 'SELECT pg_reload_conf()')
    await given.untilSent('m3')
  })

  test('hangs refuses what it is asked within seconds, and stops within its grace and little more', async () => {
    const proxy = await startProxy(portOf(server.url))
    const queue = openQueue({ url: through(proxy), name: 'hanging', log: silentLog })
    const began = Promise.withResolvers<void>()
    const send = async (_: string, signal: AbortSignal) => {
      began.resolve()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    }
    await queue.work({ send, async clock() {} }, { sends: 1, clock: true })
    await queue.addSends(['hanging'])
    await began.promise
    proxy.stall()
    const asked = await Promise.all(questions.map((ask) => refusal(() => ask(queue))))
    for (const { error, tookMs } of asked) {
      expect(error).toMatchObject({ code: 'queue-unusable', message: expect.stringContaining('does not answer') })
      expect(tookMs).toBeLessThan(8_000)
    }
    const { error, tookMs } = await refusal(() => queue.stop(200))
    expect(error).toBeNull()
    expect(tookMs).toBeLessThan(2_500)
  })

  test('is down stops within its grace and little more', async () => {
    const { queue } = await workingQueue()
    server.kill()
    await expect.poll(async () => String((await refusal(() => queue.counts())).error)).toContain('refused')
    const { error, tookMs } = await refusal(() => queue.stop(0))
    expect(error).toBeNull()
    expect(tookMs).toBeLessThan(2_500)
    await server.restart()
  })
})

describe('starting on', () => {
  test.each([
    ['nothing that listens', 'postgres://app:secret@127.0.0.1:1/app', 'the connection is refused'],
    ['a host that does not exist', 'postgres://app:secret@nowhere.invalid/app', 'its host is not found'],
  ])('%s says so, without the password', async (_, url, words) => {
    const { error } = await refusal(() => aQueue(url).queue.start())
    expect(error).toMatchObject({
      code: 'queue-unusable',
      message: `the queue at ${url.replace('app:secret@', '')} cannot be used: ${words}`,
    })
  })

  test('a database that does not exist says so', async () => {
    const { error } = await refusal(() => aQueue(server.url.replace(/postgres$/, 'nothing')).queue.start())
    expect(error).toMatchObject({ message: expect.stringContaining('there is no such database') })
  })

  test('a database whose user may make no schema says so; in one that an administrator has made, it works', async () => {
    await sql('CREATE ROLE weak LOGIN')
    const url = `${server.url.replace('postgres@', 'weak@')}?schema=weak_queue`
    const { error } = await refusal(() => aQueue(url).queue.start())
    expect(error).toMatchObject({ message: expect.stringContaining('its user lacks a permission') })
    await sql('CREATE SCHEMA weak_queue AUTHORIZATION weak')
    await (await workingQueue(url)).queue.drained(AbortSignal.timeout(20_000))
  })

  test('a PostgreSQL that is too old says which will do', async () => {
    const proxy = await startProxy(portOf(server.url), { from: '15.', to: '13.' })
    const { error } = await refusal(() => aQueue(through(proxy)).queue.start())
    expect(error).toMatchObject({ message: expect.stringMatching(/its version is 13\..*14 is the oldest/) })
  })
})

test('several processes that start at once on an empty database make its schema once', async () => {
  const urls = Array.from({ length: 4 }, () => `${server.url}?schema=made_at_once`)
  await Promise.all(urls.map((url) => aQueue(url).queue.start()))
})

test('keeps its tables in its own schema, apart from another', async () => {
  const [one, other] = ['one', 'other'].map((schema) => aQueue(`${server.url}?schema=${schema}`))
  await one?.queue.addSends(['m1'])
  expect(await other?.queue.counts()).toEqual({ waiting: 0, active: 0 })
  const client = new Client(server.url)
  await client.connect()
  onTestFinished(() => client.end())
  const { rows } = await client.query(
    "SELECT id FROM one.job UNION ALL SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
  )
  expect(rows).toEqual([{ id: 'm1' }])
})

function portOf(url: string): number {
  return Number(new URL(url).port)
}

/** The server's URL by way of the proxy. */
function through({ port }: RunningProxy): string {
  return server.url.replace(/:\d+\//, `:${port}/`)
}
