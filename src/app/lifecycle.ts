import { setTimeout as pause } from 'node:timers/promises'
import type { Campaign } from '#core/campaign.ts'
import { ForewarnError } from '#core/errors.ts'
import { type ClockJobName, keepTimetableEveryMs, scanOf, timetable } from '#jobs/schedule.ts'
import { everything } from '#ledger/ledger.ts'
import { type OpenedMetrics, openMetrics } from '#observe/metrics.ts'
import type { ClockJob } from '#queue/queue.ts'
import { healthRoutes, type RunningWeb, startWeb } from '#web/health.ts'
import { metricsRoute } from '#web/metrics.ts'
import { metered } from './metering.ts'
import { lastTick } from './scan-ticks.ts'
import { scraped } from './scrape.ts'
import { endingGraceMs, type Service } from './service.ts'

export const roles = ['scheduler', 'worker', 'web'] as const
export type Role = (typeof roles)[number]

export interface RunningService {
  /** Where health and metrics are served. */
  readonly url: string
  /** No claim begins any more; calls have up to `endingGraceMs` to end. May be called twice. */
  stop(): Promise<void>
}

/**
 * Starts the service in its roles; resolves when it is ready. `end` tells the jobs that the process ends; the caller's
 * `ending` signal of the service is its other half.
 */
export async function startService(
  wired: Service,
  options: { roles: readonly Role[]; web: { host: string; port: number }; end: AbortController },
): Promise<RunningService> {
  const { queue, ledger, log } = wired.ports
  const has = (role: Role): boolean => options.roles.includes(role)
  if (queue.backend === 'embedded' && has('scheduler') !== has('worker')) {
    throw new ForewarnError(
      'roles-split',
      'the embedded queue lives in one process: scheduler and worker cannot be apart',
      {
        path: 'queue',
        hint: 'start with both roles',
      },
    )
  }
  const opened = openMetrics()
  const service = metered(wired, opened.metrics)
  const web = await startWeb(
    healthRoutes({ gate: () => ledger.gates.read(everything), queue: () => queue.counts() }).route(
      '/',
      metricsRoute(scraped(service, opened, { everyone: has('scheduler') })),
    ),
    options.web,
  )
  await queue.start()
  // Known before the first call: a new account's rate is far below the shipped one.
  if (has('worker')) await service.quota(options.end.signal)
  const sends = has('worker') ? service.ports.concurrency : 0
  await queue.work(
    {
      send: async (messageId, signal) => void (await service.send(messageId, signal)),
      clock: (job, signal) => runClockJob(service, job, signal),
    },
    { sends, clock: has('scheduler') },
  )
  // Not waited for at the end: it may be in the middle of a call that a closed queue never answers.
  if (has('scheduler')) void keepTimetable(service, options.end.signal)
  log.info('ready', { url: web.url, roles: options.roles.join(','), queue: queue.backend, ledger: ledger.address })
  return { url: web.url, stop: stopper(service, { web, metrics: opened }, options.end) }
}

function stopper(
  service: Service,
  { web, metrics }: { web: RunningWeb; metrics: OpenedMetrics },
  end: AbortController,
): () => Promise<void> {
  const { queue, policy, mailer, ledger, log } = service.ports
  let stopped: Promise<void> | null = null
  const stop = async (): Promise<void> => {
    log.info('stopping')
    end.abort()
    await queue.stop(Math.min(endingGraceMs, policy.timeoutMs))
    await web.stop()
    metrics.close()
    mailer.close()
    await ledger.close()
    log.info('stopped')
  }
  return () => {
    stopped ??= stop()
    return stopped
  }
}

type ClockHandler = (service: Service, job: ClockJob, signal: AbortSignal) => Promise<unknown>

/** What each job of the timetable does. */
export const clockHandlers: Readonly<Record<ClockJobName, ClockHandler>> = {
  feed: (service) => service.feed(),
  settle: (service) => service.settle(),
  quota: (service, _job, signal) => service.quota(signal),
  retain: (service, _job, signal) => service.retain(signal),
  scan: scanEnabled,
}

/** Runs what the clock started. What fails is told, and comes again with the next tick. */
async function runClockJob(service: Service, job: ClockJob, signal: AbortSignal): Promise<void> {
  const { log } = service.ports
  // A queue that several versions share may hold a job that this one does not know.
  if (!Object.hasOwn(clockHandlers, job.name)) return log.warn('job.unknown', { job: job.name })
  try {
    await clockHandlers[job.name as ClockJobName](service, job, signal)
  } catch (error) {
    if (signal.aborted) return
    const code = error instanceof ForewarnError ? error.code : error instanceof Error ? error.name : 'unknown'
    log.error('job.failed', { job: job.name, campaign: job.campaign, code })
  }
}

/** A campaign that was switched off since its tick was planned is not scanned. */
async function scanEnabled(service: Service, job: ClockJob, signal: AbortSignal): Promise<void> {
  const edition = (await service.enabled()).find(({ campaign }) => campaign.key === job.campaign)
  if (edition === undefined) return
  await service.scan(edition.campaign, signal)
  await service.feed()
}

/** Keeps the queue's timetable as the campaigns say, also after the queue lost it, and makes up a missed scan once. */
async function keepTimetable(service: Service, signal: AbortSignal): Promise<void> {
  const { queue, log } = service.ports
  const seen = new Set<string>()
  while (!signal.aborted) {
    try {
      const campaigns = (await service.enabled()).map(({ campaign }) => campaign)
      await queue.keepTimetable(timetable(campaigns))
      const fresh = campaigns.filter(({ key }) => !seen.has(key))
      for (const campaign of await missedScan(service, fresh)) await queue.startNow(scanOf(campaign.key))
      seen.clear()
      for (const { key } of campaigns) seen.add(key)
    } catch (error) {
      // What ticks in the meantime is missed, and made up for afterwards.
      seen.clear()
      const code = error instanceof ForewarnError ? error.code : error instanceof Error ? error.name : 'unknown'
      // The queue tells its own trouble, once per cause.
      if (!signal.aborted && code !== 'queue-unusable') log.error('timetable.not-kept', { code })
    }
    await pause(keepTimetableEveryMs, undefined, { signal }).catch(() => undefined)
  }
}

/** Those of the campaigns whose last tick found nobody: they are scanned at once, and not for every tick missed. */
async function missedScan({ ports }: Service, campaigns: readonly Campaign[]): Promise<Campaign[]> {
  if (campaigns.length === 0) return []
  const last = new Map((await ports.ledger.plans.lastScans()).map(({ campaign, startedAt }) => [campaign, startedAt]))
  return campaigns.filter((campaign) => {
    const scannedAt = last.get(campaign.key)
    return scannedAt === undefined || scannedAt < lastTick(campaign, ports.clocks.business())
  })
}
