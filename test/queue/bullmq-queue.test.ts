import type { JobSchedulerJson } from 'bullmq'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Log } from '#observe/observe.ts'
import { silentLog } from '#observe/observe.ts'
import { BullmqQueue } from '#queue/bullmq-queue.ts'
import type { ClockJob, Queue, QueueHandlers, Timetable } from '#queue/queue.ts'
import { type Stack, stacks } from './stacks.ts'

const never = new AbortController().signal
const feed: ClockJob = { name: 'feed', campaign: null }
const scan: ClockJob = { name: 'scan', campaign: 'soft-pin' }
const everyHour: Timetable = { job: feed, when: { everyMs: 3_600_000 } }
const everyMorning: Timetable = { job: scan, when: { cron: '0 9 * * *', timeZone: 'Europe/Berlin' } }

describe.each(stacks)('a queue on the $name backend', ({ open }) => {
  let stack: Stack
  let name: string
  let names = 0
  const opened: Queue[] = []

  beforeAll(async () => {
    stack = await open()
  })
  afterAll(() => stack.close())

  beforeEach(() => {
    names += 1
    name = `test${names}`
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((queue) => queue.stop(0)))
  })

  /** What the backend holds for the timetable and for clock jobs. */
  async function clockContents() {
    const contents = {
      schedulers: [] as JobSchedulerJson[],
      jobs: [] as { id: string | undefined; timestamp: number }[],
    }
    for (const queue of [stack.inspect(`${name}-clock`), stack.inspect(`${name}-scans`)]) {
      contents.schedulers.push(...(await queue.getJobSchedulers(0, -1)))
      const jobs = await queue.getJobs(['waiting', 'delayed', 'active'])
      contents.jobs.push(...jobs.map(({ id, timestamp }) => ({ id, timestamp })))
      await queue.close()
    }
    return contents
  }

  /** Each call is one process more on the same queue. */
  function openQueue(log: Log = silentLog): Queue {
    const queue = new BullmqQueue(stack.backend, name, log)
    opened.push(queue)
    return queue
  }

  describe('sends', () => {
    test('run each id once, in the order given, over all calls', async () => {
      const queue = openQueue()
      const { sent, handlers } = recorder()
      await queue.addSends(['m3', 'm1'])
      await queue.addSends(['m2'])
      await queue.work(handlers, { sends: 1, clock: false })
      await queue.drained(never)
      expect(sent).toEqual(['m3', 'm1', 'm2'])
    })

    test('does not queue an id twice while it waits, in one call or in two, from one process or two', async () => {
      const queue = openQueue()
      await queue.addSends(['m1', 'm1', 'm2'])
      await Promise.all([queue.addSends(['m2', 'm1']), openQueue().addSends(['m1'])])
      expect(await queue.counts()).toEqual({ waiting: 2, active: 0 })
    })

    test('does not queue an id again while it runs, and does once it has run', async () => {
      const queue = openQueue()
      const { sent, handlers, began, end } = heldSends()
      await queue.work(handlers, { sends: 2, clock: false })
      await queue.addSends(['m1'])
      await began.promise
      await queue.addSends(['m1'])
      expect(await queue.counts()).toEqual({ waiting: 0, active: 1 })
      end.resolve()
      await queue.drained(never)

      await queue.addSends(['m1'])
      await queue.drained(never)
      expect(sent).toEqual(['m1', 'm1'])
    })

    test('keep their order beyond one batch', async () => {
      const queue = openQueue()
      const { sent, handlers } = recorder()
      const ids = Array.from({ length: 250 }, (_, index) => `m${index}`)
      await queue.addSends(ids)
      await queue.work(handlers, { sends: 1, clock: false })
      await queue.drained(never)
      expect(sent).toEqual(ids)
    })

    test('are shared between two workers, each id to one of them', async () => {
      const [one, two] = [openQueue(), openQueue()]
      const { sent, handlers } = recorder()
      const ids = Array.from({ length: 60 }, (_, index) => `m${index}`)
      await Promise.all([one, two].map((queue) => queue.work(handlers, { sends: 5, clock: false })))
      await one.addSends(ids)
      await two.drained(never)
      expect(sent.toSorted()).toEqual(ids.toSorted())
    })

    test('run as many at once as the role says, and no more', async () => {
      const queue = openQueue()
      const { handlers, began, end, running } = heldSends(3)
      await queue.addSends(['m1', 'm2', 'm3', 'm4'])
      await queue.work(handlers, { sends: 3, clock: false })
      await began.promise
      expect(running.size).toBe(3)
      expect(await queue.counts()).toEqual({ waiting: 1, active: 3 })
      end.resolve()
      await queue.drained(never)
    })

    test('end when a handler throws, are not tried again, and hold up nothing; the log has the id and no error text', async () => {
      const lines: unknown[] = []
      const queue = openQueue({ ...silentLog, error: (...line) => lines.push(line) })
      const sent: string[] = []
      await queue.addSends(['m1', 'm2'])
      await queue.work(
        {
          ...idleHandlers,
          async send(messageId) {
            sent.push(messageId)
            if (messageId === 'm1') throw new Error('550 ada@example.com unknown')
          },
        },
        { sends: 1, clock: false },
      )
      await queue.drained(never)
      expect(sent).toEqual(['m1', 'm2'])
      expect(lines).toEqual([['job-threw', { code: 'Error', job: 'send', messageId: 'm1' }]])
      const stored = await stack.dump()
      expect(stored).toContain(`${name}-sends`)
      expect(stored).not.toContain('ada@example.com')
    })

    test('leave nothing in the backend but the message id', async () => {
      const queue = openQueue()
      await queue.addSends(['01J8Z0M1'])
      const sends = stack.inspect(`${name}-sends`)
      const job = await sends.getJob('01J8Z0M1')
      await sends.close()
      expect(job?.name).toBe('send')
      expect(job?.data).toEqual({ messageId: '01J8Z0M1' })
      expect(job?.opts).toMatchObject({ jobId: '01J8Z0M1', attempts: 1, removeOnComplete: true, removeOnFail: true })
    })
  })

  describe('drained', () => {
    test('waits for the job that runs, in another process too, not only for those that wait', async () => {
      const queue = openQueue()
      const { handlers, began, end } = heldSends()
      await openQueue().work(handlers, { sends: 1, clock: false })
      await queue.addSends(['m1'])
      await began.promise
      const order: string[] = []
      const drained = queue.drained(never).then(() => order.push('drained'))
      expect(await queue.counts()).toEqual({ waiting: 0, active: 1 })
      order.push('ended')
      end.resolve()
      await drained
      expect(order).toEqual(['ended', 'drained'])
    })

    test('resolves at once on an empty queue, whether or not anybody works', async () => {
      await openQueue().drained(never)
    })

    test('still waits for the handlers here when the backend has lost their jobs', async () => {
      const queue = openQueue()
      const { handlers, began, end } = heldSends()
      await queue.work(handlers, { sends: 1, clock: false })
      await queue.addSends(['m1'])
      await began.promise
      await stack.loseEverything()
      let drained = false
      const waiting = queue.drained(never).then(() => {
        drained = true
      })
      expect(await queue.counts()).toEqual({ waiting: 0, active: 0 })
      expect(drained).toBe(false)
      end.resolve()
      await waiting
    })

    test('gives up when its signal aborts, and when the queue stops', async () => {
      const queue = openQueue()
      await queue.addSends(['m1'])
      const given = new AbortController()
      const waiting = queue.drained(given.signal)
      given.abort(new Error('enough'))
      await expect(waiting).rejects.toThrow('enough')

      const other = queue.drained(never)
      await Promise.all([expect(other).rejects.toMatchObject({ code: 'queue-unusable' }), queue.stop(0)])
    })
  })

  describe('the timetable', () => {
    test('starts clock jobs, scans with their campaign', async () => {
      const queue = openQueue()
      const ran = expectClockJobs(2)
      await queue.work(ran.handlers, { sends: 0, clock: true })
      await queue.keepTimetable([
        { job: feed, when: { everyMs: 3_600_000 } },
        { job: scan, when: { cron: '* * * * * *', timeZone: 'UTC' } },
      ])
      expect(await ran.promise).toEqual(expect.arrayContaining([feed, scan]))
    })

    test('is not touched when nothing has changed: the next tick stays where it is', async () => {
      const queue = openQueue()
      await queue.keepTimetable([everyHour, everyMorning])
      const before = await clockContents()
      expect(before.jobs).toEqual([aJob(/^repeat:feed:\d+$/), aJob(/^repeat:scan.soft-pin:\d+$/)])
      await queue.keepTimetable([everyHour, everyMorning])
      await openQueue().keepTimetable([everyMorning, everyHour])
      expect(await clockContents()).toEqual(before)
    })

    test('follows a change of cron line, of zone, of interval, and from one kind to the other', async () => {
      const queue = openQueue()
      const schedules: Timetable['when'][] = [
        { cron: '0 9 * * *', timeZone: 'UTC' },
        { cron: '0 10 * * *', timeZone: 'UTC' },
        { cron: '0 10 * * *', timeZone: 'Asia/Tokyo' },
        { everyMs: 60_000 },
        { everyMs: 90_000 },
        { cron: '0 9 * * *', timeZone: 'UTC' },
      ]
      for (const when of schedules) {
        await queue.keepTimetable([{ job: feed, when }])
        const { schedulers } = await clockContents()
        const { pattern, tz, every } = schedulers[0] ?? {}
        expect(schedulers.length).toBe(1)
        expect('cron' in when ? { cron: pattern, timeZone: tz } : { everyMs: every }).toEqual(when)
      }
    })

    test('drops what is no longer wanted, with the tick that was to come', async () => {
      const queue = openQueue()
      await queue.keepTimetable([everyHour, everyMorning])
      await queue.keepTimetable([everyHour])
      const { schedulers, jobs } = await clockContents()
      expect(schedulers.map(({ key }) => key)).toEqual(['feed'])
      expect(jobs).toEqual([aJob(/^repeat:feed:/)])
    })

    test('is whole again after the backend has lost everything, and clock jobs run again', async () => {
      const queue = openQueue()
      const first = expectClockJobs(1)
      let handlers = first.handlers
      await queue.work({ ...idleHandlers, clock: (job, signal) => handlers.clock(job, signal) }, clockOnly)
      await queue.keepTimetable([everyHour])
      await first.promise

      await stack.loseEverything()
      const second = expectClockJobs(1)
      handlers = second.handlers
      await queue.keepTimetable([everyHour])
      expect(await second.promise).toEqual([feed])
    })

    test('is whole again when only the next tick was lost', async () => {
      const queue = openQueue()
      await queue.keepTimetable([everyHour])
      await stack.loseJobs()
      expect((await clockContents()).jobs).toEqual([])
      await queue.keepTimetable([everyHour])
      expect((await clockContents()).jobs).toEqual([aJob(/^repeat:feed:/)])
    })

    test('gives no queue and no job a name with a colon, which BullMQ refuses', async () => {
      const queue = openQueue()
      await queue.keepTimetable([everyHour, everyMorning])
      await queue.startNow(scan)
      await queue.addSends(['m1'])
      for (const queueName of [`${name}-sends`, `${name}-clock`, `${name}-scans`]) {
        const queue = stack.inspect(queueName)
        const jobs = await queue.getJobs(['waiting', 'delayed'])
        expect(jobs.length).toBeGreaterThan(0)
        for (const job of jobs) expect(`${queueName} ${job.name}`).not.toContain(':')
        await queue.close()
      }
    })
  })

  describe('a clock job started by hand', () => {
    test('runs once when it is started twice while it waits', async () => {
      const queue = openQueue()
      await Promise.all([queue.startNow(feed), queue.startNow(feed), openQueue().startNow(feed)])
      const ran: ClockJob[] = []
      const marker = expectClockJobs(1)
      await queue.startNow({ name: 'marker', campaign: null })
      await queue.work(
        {
          ...idleHandlers,
          async clock(job, signal) {
            if (job.name === 'marker') return marker.handlers.clock(job, signal)
            ran.push(job)
          },
        },
        clockOnly,
      )
      await marker.promise
      expect(ran).toEqual([feed])
    })

    test('is not started beside one that runs, and is again once it has run', async () => {
      const queue = openQueue()
      const held = heldClock()
      await queue.work(held.handlers, clockOnly)
      await queue.startNow(scan)
      await held.began(1)
      await queue.startNow(scan)
      await queue.startNow(feed)
      await held.began(2)
      expect(held.ran).toEqual([scan, feed])

      held.end()
      await expect.poll(async () => (await clockContents()).jobs).toEqual([])
      await queue.startNow(scan)
      await held.began(3)
      expect(held.ran).toEqual([scan, feed, scan])
      held.end()
    })

    test('is not started beside one that the timetable has started', async () => {
      const queue = openQueue()
      await queue.keepTimetable([everyHour]) // the first tick is due at once
      await queue.startNow(feed)
      expect((await clockContents()).jobs).toEqual([aJob(/^repeat:feed:/)])
    })

    test('has its campaign for itself: another campaign is scanned beside it', async () => {
      const queue = openQueue()
      const held = heldClock()
      await queue.work(held.handlers, clockOnly)
      await queue.startNow(scan)
      await queue.startNow({ ...scan, campaign: 'pilot' })
      await held.began(2)
      held.end()
    })
  })

  test('scans that run long, however many, hold up neither the feed nor sends', async () => {
    const queue = openQueue()
    const held = heldClock((job) => job.name === 'scan')
    const { sent, handlers } = recorder()
    await queue.work(
      { ...handlers, clock: (job, signal) => held.handlers.clock(job, signal) },
      { sends: 1, clock: true },
    )
    for (let campaign = 0; campaign < 20; campaign += 1) await queue.startNow({ ...scan, campaign: `c${campaign}` })
    await held.began(4)
    await queue.startNow(feed)
    await held.began(5)
    expect(held.ran.at(-1)).toEqual(feed)
    await queue.addSends(['m1'])
    await queue.drained(never)
    expect(sent).toEqual(['m1'])
    held.end()
  })

  describe('stop', () => {
    test('lets a handler finish within the grace, its signal untouched', async () => {
      const queue = openQueue()
      const { handlers, began, end, signals } = heldSends()
      await queue.work(handlers, { sends: 1, clock: false })
      await queue.addSends(['m1', 'm2'])
      await began.promise
      const stopped = queue.stop(60_000)
      await stack.dump() // long enough for a timer that did not mind the grace
      end.resolve()
      await stopped
      expect(signals.map((signal) => signal.aborted)).toEqual([false])
      expect(await openQueue().counts()).toEqual({ waiting: 1, active: 0 })
    })

    test('aborts the signals of handlers after the grace, and waits until they have returned', async () => {
      const queue = openQueue()
      const began = Promise.withResolvers<void>()
      let returned = false
      await queue.work(
        {
          ...idleHandlers,
          async send(_, signal) {
            began.resolve()
            await new Promise((resolve) => signal.addEventListener('abort', resolve))
            returned = true
          },
        },
        { sends: 1, clock: false },
      )
      await queue.addSends(['m1'])
      await began.promise
      await queue.stop(0)
      expect(returned).toBe(true)
    })

    test('takes no new job from the moment it is called', async () => {
      const queue = openQueue()
      const { sent, handlers } = recorder()
      await queue.work(handlers, { sends: 1, clock: false })
      const adding = openQueue().addSends(['m1', 'm2', 'm3'])
      const stopping = queue.stop(60_000)
      const before = [...sent]
      await Promise.all([adding, stopping])
      expect(sent).toEqual(before)
    })

    test('does not begin with a job that was just being fetched', async () => {
      const [fetched, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const slow = await stack.backend.open()
      const factory: typeof slow.factory = (...args) => {
        const backend = slow.factory(...args)
        const moveToActive = backend.moveToActive.bind(backend)
        backend.moveToActive = async (...job) => {
          const taken = await moveToActive(...job)
          fetched.resolve()
          await answer.promise
          return taken
        }
        return backend
      }
      const { sent, handlers } = recorder()
      await openQueue().addSends(['m1'])
      const queue = new BullmqQueue({ ...stack.backend, open: async () => ({ ...slow, factory }) }, name, silentLog)
      const working = queue.work(handlers, { sends: 1, clock: false })
      await fetched.promise
      await working
      const stopped = queue.stop(60_000)
      answer.resolve()
      await stopped
      expect(sent).toEqual([])
      expect(await openQueue().counts()).toEqual({ waiting: 0, active: 0 })
    })

    test('may be called twice, and before anything was opened; afterwards everything is refused', async () => {
      let closed = 0
      const open = async () => {
        const backend = await stack.backend.open()
        const close = async () => {
          closed += 1
          await backend.close()
        }
        return { ...backend, close }
      }
      const queue = new BullmqQueue({ ...stack.backend, open }, name, silentLog)
      await queue.start()
      await Promise.all([queue.stop(0), queue.stop(0)])
      await queue.stop(0)
      expect(closed).toBe(1)
      await expect(queue.addSends(['m1'])).rejects.toMatchObject({ code: 'queue-unusable' })
      await expect(queue.start()).rejects.toMatchObject({ code: 'queue-unusable' })
      await openQueue().stop(0)
    })
  })

  test('an opening that fails is a queue-unusable error, and is tried again at the next call', async () => {
    let attempts = 0
    const queue = new BullmqQueue(
      {
        kind: stack.backend.kind,
        async open() {
          attempts += 1
          if (attempts === 1) throw new Error('connection refused')
          return stack.backend.open()
        },
      },
      name,
      silentLog,
    )
    opened.push(queue)
    await expect(queue.start()).rejects.toMatchObject({ code: 'queue-unusable', exitCode: 1 })
    await queue.start()
  })
})

const aJob = (id: RegExp) => expect.objectContaining({ id: expect.stringMatching(id) })

const clockOnly = { sends: 0, clock: true } as const

const idleHandlers: QueueHandlers = { async send() {}, async clock() {} }

function recorder() {
  const sent: string[] = []
  const handlers: QueueHandlers = { ...idleHandlers, send: async (messageId) => void sent.push(messageId) }
  return { sent, handlers }
}

/** Sends that do not end before `end`; `began` resolves when `count` run. */
function heldSends(count = 1) {
  const began = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  const sent: string[] = []
  const signals: AbortSignal[] = []
  const running = new Set<string>()
  const handlers: QueueHandlers = {
    ...idleHandlers,
    async send(messageId, signal) {
      sent.push(messageId)
      signals.push(signal)
      running.add(messageId)
      if (running.size === count) began.resolve()
      await end.promise
      running.delete(messageId)
    },
  }
  return { sent, signals, running, handlers, began, end }
}

/** Resolves with the first `count` clock jobs that ran. */
function expectClockJobs(count: number) {
  const done = Promise.withResolvers<ClockJob[]>()
  const ran: ClockJob[] = []
  const handlers: QueueHandlers = {
    ...idleHandlers,
    async clock(job) {
      ran.push(job)
      if (ran.length === count) done.resolve(ran)
    },
  }
  return { promise: done.promise, handlers }
}

/** Clock jobs that do not end before `end`; those that `holds` says no to end at once. */
function heldClock(holds: (job: ClockJob) => boolean = () => true) {
  const ran: ClockJob[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  const end = Promise.withResolvers<void>()
  const handlers: QueueHandlers = {
    ...idleHandlers,
    async clock(job) {
      ran.push(job)
      for (const { count, resolve } of waiting) if (ran.length >= count) resolve()
      if (holds(job)) await end.promise
    },
  }
  const began = (count: number) =>
    new Promise<void>((resolve) => {
      if (ran.length >= count) resolve()
      else waiting.push({ count, resolve })
    })
  return { ran, handlers, began, end: () => end.resolve() }
}
