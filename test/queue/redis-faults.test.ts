import { describe, expect, onTestFinished, test } from 'vitest'
import { silentLog } from '#observe/observe.ts'
import { openQueue } from '#queue/bullmq-queue.ts'
import type { Queue } from '#queue/queue.ts'
import { type RedisOptions, type RedisServer, startRedis } from '../servers/redis.ts'
import { aQueue, feedUntilTaken, refusal } from './given-queue.ts'

const feed = { name: 'feed', campaign: null }

async function redis(options?: RedisOptions): Promise<RedisServer> {
  const server = await startRedis(options)
  onTestFinished(() => server.stop())
  return server
}

/** A Redis, and a queue on it that works and has sent `before`. */
async function workingQueue() {
  const server = await redis()
  const given = aQueue(server.url)
  await given.queue.start()
  await given.work()
  await given.queue.addSends(['before'])
  await given.untilSent('before')
  return { server, ...given }
}

/** All that a producer may ask. */
const questions: readonly (readonly [string, (queue: Queue) => Promise<unknown>])[] = [
  ['addSends', (queue) => queue.addSends(['lost'])],
  ['keepTimetable', (queue) => queue.keepTimetable([{ job: feed, when: { everyMs: 60_000 } }])],
  ['startNow', (queue) => queue.startNow(feed)],
  ['counts', (queue) => queue.counts()],
]

describe('a queue whose Redis', () => {
  test('is killed refuses what it is asked at once and in words, and works again by itself when it is back, empty', async () => {
    const { server, queue, untilSent } = await workingQueue()
    await server.kill()
    for (const [, ask] of questions) {
      const { error, tookMs } = await refusal(() => ask(queue))
      expect(error).toMatchObject({ code: 'queue-unusable', message: expect.stringMatching(/refused|lost/) })
      expect(tookMs).toBeLessThan(4_000)
    }
    await server.restart()
    await feedUntilTaken(queue, 'after')
    await untilSent('after')
  })

  test('is killed is told of in one line per cause, however long it lasts and however many ask', async () => {
    const { server, queue, lines } = await workingQueue()
    await server.kill()
    for (let times = 0; times < 4; times += 1) await refusal(() => queue.counts())
    const causes = lines.map(({ cause }) => cause)
    expect(causes).toContain('ECONNREFUSED')
    expect(causes).toEqual([...new Set(causes)])
  })

  test('hangs refuses what it is asked within seconds, and goes on when it answers again', async () => {
    const { server, queue, untilSent } = await workingQueue()
    server.suspend()
    const asked = await Promise.all(questions.map(([, ask]) => refusal(() => ask(queue))))
    for (const { error, tookMs } of asked) {
      expect(error).toMatchObject({ code: 'queue-unusable', message: expect.stringContaining('does not answer') })
      expect(tookMs).toBeLessThan(8_000)
    }
    server.resume()
    await feedUntilTaken(queue, 'after')
    await untilSent('after')
  })

  test('is flushed while a message is sent and others wait loses what waits, and takes the next feed', async () => {
    const server = await redis()
    const queue = openQueue({ url: server.url, log: silentLog })
    onTestFinished(() => queue.stop(0))
    const [began, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const sent: string[] = []
    const send = async (messageId: string) => {
      sent.push(messageId)
      began.resolve()
      await end.promise
    }
    await queue.work({ send, async clock() {} }, { sends: 1, clock: true })
    await queue.addSends(['running', 'waiting'])
    await began.promise
    await server.command('FLUSHALL')
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0 })
    end.resolve()
    await queue.addSends(['waiting'])
    await queue.drained(AbortSignal.timeout(20_000))
    expect(sent).toEqual(['running', 'waiting'])
  })

  test.each([
    ['turns into a replica', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE'], 'read-only replica'],
    ['is full', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0'], 'memory is full'],
  ] as const)('%s says so, and works again by itself afterwards', async (_, harm, heal, words) => {
    const { server, queue, lines, untilSent } = await workingQueue()
    const [name, ...rest] = harm
    await server.command(name, ...rest)
    const { error } = await refusal(() => queue.addSends(['lost']))
    expect(error).toMatchObject({ code: 'queue-unusable', message: expect.stringContaining(words) })
    await server.command(heal[0], ...heal.slice(1))
    await feedUntilTaken(queue, 'after')
    await untilSent('after')
    const causes = lines.map(({ cause }) => cause)
    expect(causes).toEqual([...new Set(causes)])
  })

  test('wants a password now says so, and works again by itself when it no longer does', async () => {
    const { server, queue, untilSent } = await workingQueue()
    await server.command('CONFIG', 'SET', 'requirepass', 'hunter2')
    const admin = server.as('hunter2')
    await admin('CLIENT', 'KILL', 'TYPE', 'normal')
    await expect.poll(async () => String((await refusal(() => queue.counts())).error)).toContain('wants a password')
    await admin('CONFIG', 'SET', 'requirepass', '')
    await feedUntilTaken(queue, 'after')
    await untilSent('after')
  })
})

describe('stop', () => {
  test.each(['kill', 'suspend'] as const)(
    'ends within its grace and little more after %s of its Redis',
    async (harm) => {
      const server = await redis()
      const queue = openQueue({ url: server.url, log: silentLog })
      const began = Promise.withResolvers<void>()
      const send = async (_: string, signal: AbortSignal) => {
        began.resolve()
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      }
      await queue.work({ send, async clock() {} }, { sends: 1, clock: true })
      await queue.addSends(['m1'])
      await began.promise
      await server[harm]()
      const asked = refusal(() => queue.counts())
      const { error, tookMs } = await refusal(() => queue.stop(200))
      expect(error).toBeNull()
      expect(tookMs).toBeLessThan(2_500)
      expect((await asked).error).toMatchObject({ code: 'queue-unusable' })
    },
  )
})
