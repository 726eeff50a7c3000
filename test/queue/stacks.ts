import { randomUUID } from 'node:crypto'
import { Queue as BullQueue, type PgPool } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Backend, OpenBackend } from '#queue/backend.ts'
import { chooseBackend } from '#queue/backends.ts'
import type { JobQueue } from '#queue/job-queue.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis, startRedisCluster } from '../servers/redis.ts'

/** An open backend that many queues of a test share, as processes would; and the ways to look into and harm it. */
export interface Stack {
  /** For processes of their own; each has its own queue where that is embedded. */
  readonly url: string
  readonly backend: Backend
  /** BullMQ's own view of a queue, to look into it; the caller closes it. */
  inspect(queue: string): JobQueue
  /** Everything that is stored for any queue, as text. */
  dump(): Promise<string>
  /** As after a flush or an eviction: nothing is left of any queue. */
  loseEverything(): Promise<void>
  /** Jobs are gone, what schedules them is not. */
  loseJobs(): Promise<void>
  close(): Promise<void>
}

/** Every backend passes the same suite. */
export const stacks: readonly { readonly name: string; readonly open: () => Promise<Stack> }[] = [
  { name: 'embedded', open: openEmbedded },
  { name: 'redis', open: openRedis },
  { name: 'redis cluster', open: openRedisCluster },
  { name: 'postgres', open: openPostgres },
]

async function openEmbedded(): Promise<Stack> {
  const opened = await chooseBackend('embedded:').open()
  return {
    ...inPostgres(opened),
    url: 'embedded:',
    backend: { kind: 'embedded', open: async () => ({ ...opened, close: async () => undefined }) },
    close: () => opened.close(),
  }
}

async function openPostgres(): Promise<Stack> {
  const given = process.env.TEST_POSTGRES_URL
  const server = given === undefined ? await startPostgres() : null
  const schema = `forewarn_test_${randomUUID().slice(0, 8)}`
  const url = withParameter(given ?? server?.url ?? '', 'schema', schema)
  const backend = chooseBackend(url)
  const opened = await backend.open()
  return {
    ...inPostgres(opened),
    url,
    backend,
    async close() {
      await poolOf(opened).query(`DROP SCHEMA ${schema} CASCADE`)
      await opened.close()
      await server?.stop()
    },
  }
}

async function openRedis(): Promise<Stack> {
  const given = process.env.TEST_REDIS_URL
  const server = given === undefined ? await startRedis() : null
  return openRedisAt(given ?? server?.url ?? '', async () => server?.stop())
}

async function openRedisCluster(): Promise<Stack> {
  const server = await startRedisCluster()
  return openRedisAt(server.url, () => server.stop())
}

async function openRedisAt(server: string, stop: () => Promise<void>): Promise<Stack> {
  const prefix = `test-${randomUUID().slice(0, 8)}`
  const url = withParameter(server, 'prefix', prefix)
  const backend = chooseBackend(url)
  const opened = await backend.open()
  const client = opened.producerOptions.connection as Redis
  const keys = () => client.keys(`{${prefix}}:*`)
  const remove = async (names: readonly string[]) => {
    if (names.length > 0) await client.del(...names)
  }
  return {
    url,
    backend,
    inspect: (queue) => inspected(opened, queue),
    async dump() {
      const names = await keys()
      const texts = await Promise.all(names.map(async (name) => (await client.dumpBuffer(name))?.toString('latin1')))
      return JSON.stringify([names, texts])
    },
    loseEverything: async () => remove(await keys()),
    async loseJobs() {
      const schedulers = /:(meta|repeat|repeat:.*(?<!:\d{13}))$/
      await remove((await keys()).filter((name) => !schedulers.test(name)))
    },
    async close() {
      await remove(await keys())
      await opened.close()
      await stop()
    },
  }
}

function inPostgres(opened: OpenBackend): Pick<Stack, 'inspect' | 'dump' | 'loseEverything' | 'loseJobs'> {
  const pool = poolOf(opened)
  const tables = async () => {
    const { rows } = await pool.query<{ name: string }>(
      'SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()',
    )
    return rows.map(({ name }) => name)
  }
  return {
    inspect: (queue) => inspected(opened, queue),
    async dump() {
      const rows = await Promise.all((await tables()).map((name) => pool.query(`SELECT * FROM ${name}`)))
      return JSON.stringify(rows.map((result) => result.rows))
    },
    async loseEverything() {
      const names = (await tables()).filter((name) => name !== 'migration')
      const truncate = () => pool.query(`TRUNCATE ${names.join(', ')} CASCADE`)
      // A worker that takes the same tables in another order may win.
      while ((await truncate().catch(({ code }) => code)) === '40P01');
    },
    loseJobs: async () => void (await pool.query('DELETE FROM job')),
  }
}

function inspected({ producerOptions, factory }: OpenBackend, queue: string): JobQueue {
  return new BullQueue(queue, { ...producerOptions, skipMetasUpdate: true }, factory)
}

function poolOf({ producerOptions }: OpenBackend): PgPool {
  return producerOptions.connection as PgPool
}

function withParameter(url: string, name: string, value: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${name}=${value}`
}
