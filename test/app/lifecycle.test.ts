import { describe, expect, it, onTestFinished } from 'vitest'
import { type Role, roles, startService } from '#app/lifecycle.ts'
import { bindJobs, type ServicePorts } from '#app/service.ts'
import { openQueue } from '#queue/bullmq-queue.ts'
import type { ClockJob, Queue, QueueHandlers, Timetable } from '#queue/queue.ts'
import { aHolder, hourMs, monday, never, newWorld, ops, secret, type World } from '../jobs/world.ts'
import { parseExposition } from '../observe/exposition.ts'

/** A queue that does nothing by itself, and tells what it was asked for. */
class QuietQueue implements Queue {
  readonly backend = 'redis'
  readonly added: string[] = []
  readonly timetables: (readonly Timetable[])[] = []
  readonly startedNow: ClockJob[] = []
  readonly kept = Promise.withResolvers<void>()
  handlers: QueueHandlers | null = null
  roles: { sends: number; clock: boolean } | null = null
  stoppedWith: number[] = []
  onStop: () => void = () => undefined

  async start(): Promise<void> {}
  async addSends(ids: readonly string[]): Promise<void> {
    this.added.push(...ids)
  }
  async keepTimetable(timetable: readonly Timetable[]): Promise<void> {
    this.timetables.push(timetable)
    this.kept.resolve()
  }
  async startNow(job: ClockJob): Promise<void> {
    this.startedNow.push(job)
  }
  async work(handlers: QueueHandlers, given: { sends: number; clock: boolean }): Promise<void> {
    this.handlers = handlers
    this.roles = given
  }
  async drained(): Promise<void> {}
  async counts(): Promise<{ waiting: number; active: number }> {
    return { waiting: this.added.length, active: 0 }
  }
  async stop(graceMs: number): Promise<void> {
    this.stoppedWith.push(graceMs)
    this.onStop()
  }

  clock(name: string, campaign: string | null = null, signal = never): Promise<void> {
    if (this.handlers === null) throw new Error('nobody works')
    return this.handlers.clock({ name, campaign }, signal)
  }
}

async function started<Q extends Queue>(
  world: World,
  queue: Q,
  differs: Partial<ServicePorts> & { roles?: readonly Role[] } = {},
) {
  const { roles: given = roles, ...ports } = differs
  const rate = { perSecond: 1_000, reserve: 0 }
  const service = bindJobs({ ...world.ports, queue, rate, concurrency: 7, addressDays: 90, ...ports })
  const running = await startService(service, { roles: given, web: { host: '127.0.0.1', port: 0 }, end: world.end })
  onTestFinished(() => running.stop())
  return running
}

describe('a service that starts', () => {
  it('does its whole work by itself: it scans what is on, sends what is due, and stops', async () => {
    const world = await newWorld()
    await world.hold(aHolder('ada'), aHolder('bob'))
    const queue = openQueue({ url: 'embedded:', log: world.log })
    const running = await started(world, queue)
    await world.inbox.accepted(2)
    await running.stop()
    expect(
      world.inbox.mails
        .list()
        .flatMap(({ to }) => to)
        .sort(),
    ).toEqual(['ada@example.org', 'bob@example.org'])
    expect(world.log.events()).toEqual(expect.arrayContaining(['ready', 'scan.done', 'message.sent', 'stopped']))
    expect(JSON.stringify(world.log.lines)).not.toMatch(secret)
  })

  it.each<[readonly Role[], { sends: number; clock: boolean }]>([
    [['scheduler', 'worker', 'web'], { sends: 7, clock: true }],
    [['scheduler'], { sends: 0, clock: true }],
    [['worker'], { sends: 7, clock: false }],
    [['web'], { sends: 0, clock: false }],
  ])('as %s takes the work of its roles', async (given, work) => {
    const world = await newWorld()
    const queue = new QuietQueue()
    await started(world, queue, { roles: given })
    expect(queue.roles).toEqual(work)
  })

  it('knows the rate of SES before it takes the first message, and starts without it when SES is silent', async () => {
    const rates: (number | null)[] = []
    for (const faults of [[], [{ fault: 'error-500' as const, when: { actions: 'all' as const } }]]) {
      const world = await newWorld({ faults: { faults } })
      world.inbox.account.maxSendRate = 1
      const queue = new QuietQueue()
      queue.work = async () => void rates.push((await world.ledger.pace.read()).sesRatePerSecond)
      await started(world, queue)
    }
    expect(rates).toEqual([1, null])
  })

  it.each<[readonly Role[]]>([[['scheduler', 'web']], [['worker']]])(
    'does not start as %s alone on the embedded queue, which others cannot reach',
    async (given) => {
      const world = await newWorld()
      const queue = Object.assign(new QuietQueue(), { backend: 'embedded' })
      await expect(started(world, queue, { roles: given })).rejects.toMatchObject({ code: 'roles-split' })
      expect(queue.handlers).toBeNull()
      expect(world.log.events()).toEqual([])
    },
  )

  it('tells that it is up, and whether its ledger and queue answer', async () => {
    const world = await newWorld()
    const queue = new QuietQueue()
    const { url } = await started(world, queue)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ ready: true, ledger: true, gate: true, queue: true })

    await world.ledger.gates.close('*', ops)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)

    queue.counts = () => Promise.reject(new Error('redis://user:password@host'))
    const response = await fetch(`${url}/readyz`)
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ ready: false, ledger: true, gate: true, queue: false })
  })
})

describe('the metrics of a running service', () => {
  it.each<[readonly Role[], boolean]>([
    [['scheduler'], true],
    [['worker', 'web'], false],
  ])('are served as %s, those of the ledger by the scheduler alone', async (given, everyone) => {
    const world = await newWorld()
    const { url } = await started(world, new QuietQueue(), { roles: given })
    const shown = parseExposition(await (await fetch(`${url}/metrics`)).text())
    expect(shown.value('forewarn_sending_allowed', { scope: '*' })).toBe(everyone ? 1 : undefined)
    expect(shown.value('forewarn_scans_total', { campaign: 'soft-pin', result: 'done' })).toBe(0)
  })

  it('count what the queue starts', async () => {
    const world = await newWorld()
    const queue = new QuietQueue()
    const { url } = await started(world, queue)
    const [id = ''] = await world.due(aHolder('ada'))
    await queue.handlers?.send(id, never)
    await queue.clock('scan', 'soft-pin')
    const shown = parseExposition(await (await fetch(`${url}/metrics`)).text())
    expect(shown.happened('forewarn_messages_total')).toEqual({ 'soft-pin 7d sent': 1 })
    expect(shown.happened('forewarn_scans_total')).toEqual({ 'soft-pin done': 1 })
  })
})

describe('the timetable of a running service', () => {
  const scan = { name: 'scan', campaign: 'soft-pin' }

  it('has a scan for the campaigns that are on, and makes up at once for one that was missed', async () => {
    const world = await newWorld()
    const queue = new QuietQueue()
    const running = await started(world, queue)
    await queue.kept.promise
    await running.stop()
    expect(queue.timetables[0]?.map(({ job }) => job)).toContainEqual(scan)
    expect(queue.startedNow).toEqual([scan])
  })

  it('makes up for no scan that has found its tick', async () => {
    const world = await newWorld()
    await world.scan()
    // The campaign's line has a tick at every quarter of an hour.
    world.clocks.businessAt = monday + 14 * 60_000
    const queue = new QuietQueue()
    const running = await started(world, queue)
    await queue.kept.promise
    await running.stop()
    expect(queue.startedNow).toEqual([])
  })

  it('has no scan for a campaign that is off', async () => {
    const world = await newWorld()
    await world.ledger.gates.close('soft-pin', ops)
    const queue = new QuietQueue()
    const running = await started(world, queue)
    await queue.kept.promise
    await running.stop()
    expect(queue.timetables[0]?.map(({ job }) => job)).not.toContainEqual(scan)
    expect(queue.startedNow).toEqual([])
  })

  it('is kept by the scheduler alone', async () => {
    const world = await newWorld()
    const queue = new QuietQueue()
    const running = await started(world, queue, { roles: ['worker'] })
    await running.stop()
    expect(queue.timetables).toEqual([])
  })

  it('that cannot be kept is told, and ends nothing', async () => {
    const world = await newWorld()
    const queue = new QuietQueue()
    queue.keepTimetable = async () => {
      queue.kept.resolve()
      throw new Error('away')
    }
    const running = await started(world, queue)
    await queue.kept.promise
    expect((await fetch(`${running.url}/healthz`)).status).toBe(200)
    await running.stop()
    expect(world.log.events()).toContain('timetable.not-kept')
  })
})

describe('what the clock starts', () => {
  async function aService(differs: Partial<ServicePorts> = {}) {
    const world = await newWorld()
    const queue = new QuietQueue()
    await started(world, queue, differs)
    return { world, queue }
  }

  it('is a scan, which feeds what it found', async () => {
    const { world, queue } = await aService()
    await world.hold(aHolder('ada'))
    await queue.clock('scan', 'soft-pin')
    expect(queue.added).toEqual([await world.pending()])
  })

  it('is no scan of a campaign that was switched off meanwhile', async () => {
    const { world, queue } = await aService()
    await world.hold(aHolder('ada'))
    await world.ledger.gates.close('soft-pin', ops)
    await queue.clock('scan', 'soft-pin')
    expect(await world.ledger.plans.lastScans()).toEqual([])
    expect(world.log.events()).not.toContain('job.failed')
  })

  it('goes on being scanned while everything is stopped', async () => {
    const { world, queue } = await aService()
    await world.hold(aHolder('ada'))
    await world.ledger.gates.close('*', ops)
    await queue.clock('scan', 'soft-pin')
    expect(await world.reminders()).toEqual({ 'pin-of-ada-1 7d': 'open' })
    expect(queue.added).toEqual([])
  })

  it('is the feed, the settlement, the quota and the retention', async () => {
    const { world, queue } = await aService({ provenGone: () => true, addressDays: 0 })
    const [sent = '', waiting = ''] = await world.due(aHolder('ada'), aHolder('bob'))
    await world.send(sent)
    world.clocks.businessAt = monday + hourMs
    await queue.clock('feed')
    expect(queue.added).toEqual([waiting])
    world.inbox.account.maxSendRate = 14
    world.shiftDatabaseTime(60_000)
    await queue.clock('quota')
    expect((await world.ledger.pace.read()).sesRatePerSecond).toBe(14)
    await queue.clock('retain')
    expect(await world.message(sent)).toMatchObject({ address: null })

    const held = world.inbox.holdCalls()
    const sending = world.send(waiting)
    await world.inbox.waitFor(() => held.waiting.length === 1)
    await queue.clock('settle')
    expect(await world.message(waiting)).toMatchObject({ state: 'in_doubt' })
    held.release()
    await sending
  })

  it('and fails is told by its code, never by its words, and comes again', async () => {
    const { world, queue } = await aService({
      pins: {
        page: () => Promise.reject(new TypeError('ada@example.org')),
        read: () => Promise.reject(new TypeError('ada@example.org')),
        refreshedAt: async () => null,
      },
    })
    await queue.clock('scan', 'soft-pin')
    expect(world.log.lines).toContainEqual({
      level: 'error',
      event: 'job.failed',
      fields: { job: 'scan', campaign: 'soft-pin', code: 'TypeError' },
    })
    expect(JSON.stringify(world.log.lines)).not.toMatch(secret)
  })

  it('and fails since the process ends is no failure', async () => {
    const { world, queue } = await aService()
    await queue.clock('retain', null, AbortSignal.abort())
    expect(world.log.events()).not.toContain('job.failed')
  })

  it.each(['sweep', 'toString'])('and is not known here (%s) is told, and does nothing', async (name) => {
    const { world, queue } = await aService()
    await queue.clock(name)
    expect(world.log.lines).toContainEqual({ level: 'warn', event: 'job.unknown', fields: { job: name } })
  })
})

describe('a service that stops', () => {
  it('lets no claim begin before it waits for calls, closes its ledger last, and may be told twice', async () => {
    const world = await newWorld()
    const queue = new QuietQueue()
    const order: string[] = []
    const ledger = { ...world.ledger, close: async () => void order.push('ledger') }
    const mailer = { ...world.ports.mailer, close: () => void order.push('mailer') }
    queue.onStop = () => order.push(world.end.signal.aborted ? 'queue, after the end was told' : 'queue')
    const running = await started(world, queue, { ledger, mailer })
    await Promise.all([running.stop(), running.stop()])
    await running.stop()
    expect(order).toEqual(['queue, after the end was told', 'mailer', 'ledger'])
    await expect(fetch(`${running.url}/healthz`)).rejects.toThrow()
  })

  it.each([
    [20_000, 8_000],
    [3_000, 3_000],
  ])('with a time-out of %i ms gives calls %i ms to end', async (timeoutMs, graceMs) => {
    const world = await newWorld()
    const queue = new QuietQueue()
    const running = await started(world, queue, { policy: { ...world.ports.policy, timeoutMs } })
    await running.stop()
    expect(queue.stoppedWith).toEqual([graceMs])
  })

  it('puts in doubt what SES has not answered by then, and closes the attempt itself', async () => {
    const world = await newWorld()
    await world.hold(aHolder('ada'))
    const queue = openQueue({ url: 'embedded:', log: world.log })
    const reopened = await world.reopen()
    const running = await started(world, queue, { policy: { ...world.ports.policy, timeoutMs: 0 } })
    const held = world.inbox.holdCalls()
    await world.inbox.waitFor(() => held.waiting.length === 1)
    await running.stop()
    const { rows } = await reopened.ledger.reports.messages({ limit: 10 })
    expect(rows).toMatchObject([{ state: 'in_doubt', attempts: 1 }])
    expect(await reopened.ledger.attempts.open()).toEqual([])
  })
})
