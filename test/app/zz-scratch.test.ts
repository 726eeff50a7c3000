import fs from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Role, roles, startService } from '#app/lifecycle.ts'
import { bindJobs, type ServicePorts } from '#app/service.ts'
import { openQueue } from '#queue/bullmq-queue.ts'
import type { ClockJob, Queue, QueueHandlers, Timetable } from '#queue/queue.ts'
import { aHolder, hourMs, monday, never, newWorld, ops, secret, type World } from '../jobs/world.ts'

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


it.each([1,2,3,4,5,6])('whole %s', async (n) => {
    const world = await newWorld()
    world.clocks.monotonicMs = () => performance.now()
    world.clocks.wall = () => Date.now()
    const t0 = performance.now()
    const orig = world.log.lines.push.bind(world.log.lines)
    world.log.lines.push = (x) => { fs.appendFileSync('/tmp/jobtests/log.txt', `${n} ${performance.now() - t0} ${JSON.stringify(x)}\n`); return orig(x) }
    await world.hold(aHolder('ada'), aHolder('bob'))
    const queue = openQueue({ url: 'embedded:', log: world.log })
    const send = { ...world.ports.composer, compose: (e: any, v: any) => { fs.appendFileSync('/tmp/jobtests/log.txt', `${n} ${performance.now() - t0} compose\n`); const r= world.ports.composer.compose(e, v); fs.appendFileSync('/tmp/jobtests/log.txt', `${n} ${performance.now() - t0} composed\n`); return r } }
    const running = await started(world, queue, {composer: send})
    await world.inbox.accepted(2)
    await running.stop()
})
