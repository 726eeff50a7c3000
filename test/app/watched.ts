import { onTestFinished } from 'vitest'
import { metered } from '#app/metering.ts'
import { scraped } from '#app/scrape.ts'
import { bindJobs, type Service, type ServicePorts } from '#app/service.ts'
import { openMetrics } from '#observe/metrics.ts'
import type { Queue } from '#queue/queue.ts'
import type { World } from '../jobs/world.ts'
import { type Exposition, parseExposition } from '../observe/exposition.ts'

/** A service in a test's world whose work is counted. */
export interface Watched {
  readonly service: Service
  readonly scrape: () => Promise<Exposition>
  readonly text: () => Promise<string>
}

export const emptyQueue: Queue = {
  backend: 'redis',
  start: async () => undefined,
  addSends: async () => undefined,
  keepTimetable: async () => undefined,
  startNow: async () => undefined,
  work: async () => undefined,
  drained: async () => undefined,
  counts: async () => ({ waiting: 0, active: 0 }),
  stop: async () => undefined,
}

interface Differs extends Partial<ServicePorts> {
  /** Default: true, as in a scheduler. */
  readonly everyone?: boolean
  readonly withinMs?: number
}

export function watched(world: World, { everyone = true, withinMs = 60_000, ...differs }: Differs = {}): Watched {
  const opened = openMetrics()
  onTestFinished(() => opened.close())
  const rate = { perSecond: 1_000, reserve: 0 }
  const plain = { ...world.ports, queue: emptyQueue, rate, concurrency: 7, addressDays: 90 }
  const service = metered(bindJobs({ ...plain, ...differs }), opened.metrics)
  const { text } = scraped(service, opened, { everyone, withinMs })
  return { service, text, scrape: async () => parseExposition(await text()) }
}
