import { once } from 'node:events'
import type { PgPool } from 'bullmq'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPglitePool } from '#queue/pglite-pool.ts'

let pool: PgPool

beforeAll(async () => {
  pool = await openPglitePool()
})
afterAll(() => pool.end())

test("has BullMQ's schema first on the search path, after its migrations too", async () => {
  const { rows } = await pool.query('SELECT count(*)::int AS jobs FROM job')
  expect(rows).toEqual([{ jobs: 0 }])
})

test('gives int8 as a string, as pg does', async () => {
  expect((await pool.query('SELECT 9007199254740993::int8 AS n')).rows).toEqual([{ n: '9007199254740993' }])
})

test('lets nobody in between the BEGIN and the end of a transaction, and everybody after it', async () => {
  const order: string[] = []
  const client = await pool.connect()
  await client.query('BEGIN')
  const other = pool.query('SELECT 1').then(() => order.push('other'))
  await client.query("INSERT INTO meta (queue, field, value) VALUES ('q', 'f', 'v')")
  order.push('inserted')
  await client.query('ROLLBACK')
  await other
  expect(order).toEqual(['inserted', 'other'])
  expect((await pool.query("SELECT * FROM meta WHERE queue = 'q'")).rows).toEqual([])
})

test('a client given back in the middle of a transaction locks nobody out, and leaves nothing done', async () => {
  const client = await pool.connect()
  await client.query('BEGIN')
  await client.query("INSERT INTO meta (queue, field, value) VALUES ('q', 'f', 'v')")
  client.release()
  expect((await pool.query("SELECT * FROM meta WHERE queue = 'q'")).rows).toEqual([])
})

test('hands notifications to the client that listens, until it is released', async () => {
  const client = await pool.connect()
  await client.query('-- as BullMQ writes it\nLISTEN bullmq_jobs;')
  const heard = once(client as unknown as NodeJS.EventEmitter, 'notification')
  await pool.query("SELECT pg_notify('bullmq_jobs', 'forewarn-sends')")
  expect(await heard).toEqual([{ channel: 'bullmq_jobs', payload: 'forewarn-sends' }])

  client.release()
  let late = 0
  client.on('notification', () => {
    late += 1
  })
  await pool.query("SELECT pg_notify('bullmq_jobs', 'forewarn-sends')")
  await pool.query('SELECT 1')
  expect(late).toBe(0)
})

test('an error of one query is not met by the next', async () => {
  await expect(pool.query('SELECT nothing')).rejects.toMatchObject({ code: '42703' })
  await expect(pool.query('SELECT $1::int AS n', ['no number'])).rejects.toThrow()
  expect((await pool.query('SELECT $1::int AS n', [1])).rows).toEqual([{ n: 1 }])
})

test('leaves the event loop a turn between two queries, however many come at once', async () => {
  let turns = 0
  let counting = true
  const count = () => {
    turns += 1
    if (counting) setImmediate(count)
  }
  setImmediate(count)
  await Promise.all(Array.from({ length: 50 }, () => pool.query('SELECT 1')))
  counting = false
  expect(turns).toBeGreaterThanOrEqual(49)
})

test('does not grow with what has passed through it', async () => {
  const size = async () => {
    const { rows } = await pool.query<{ bytes: string }>(
      "SELECT (SELECT sum(size) FROM pg_ls_waldir()) + pg_total_relation_size('meta') AS bytes",
    )
    return Number(rows[0]?.bytes)
  }
  // Each statement leaves 5,000 dead rows behind; the pool tidies up after so many statements.
  const fill = "INSERT INTO meta SELECT 'fill', n::text, repeat('x', 500) FROM generate_series(1, 5000) AS n"
  const empty = "DELETE FROM meta WHERE queue = 'fill'"
  const pass = async () => {
    for (let round = 0; round < 3; round += 1) for (const statement of [fill, empty]) await pool.query(statement)
    await Promise.all(Array.from({ length: 10_000 }, () => pool.query('SELECT 1')))
  }
  await pass()
  const first = await size()
  await pass()
  await pass()
  expect(await size()).toBeLessThan(first * 1.5)
})

test('refuses queries after its end, as pg does, and may be ended twice', async () => {
  const own = await openPglitePool()
  await own.query('SELECT 1')
  await Promise.all([own.end(), own.end()])
  await expect(own.query('SELECT 1')).rejects.toThrow('after calling end on the pool')
})
