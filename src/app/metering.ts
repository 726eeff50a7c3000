import type { Campaign } from '#core/campaign.ts'
import { send } from '#jobs/send.ts'
import type { Metrics } from '#observe/metrics.ts'
import { beginCounting, type CountedJob, type ScanEnd } from './begin-counting.ts'
import { countedLedger, countedPins } from './counted-ledger.ts'
import { countedTry } from './counted-try.ts'
import { bindJobs, type Service } from './service.ts'

/** The same service, whose work is counted: the jobs themselves know nothing of it. */
export function metered(service: Service, metrics: Metrics): Service {
  beginCounting(metrics)
  const { ports } = service
  const jobs = bindJobs({
    ...ports,
    ledger: countedLedger(ports.ledger, metrics),
    pins: countedPins(ports.pins, metrics),
  })

  /** What fails since the process ends is no failure. */
  async function counted<T>(task: CountedJob, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      if (!ports.ending.aborted) metrics.jobsFailed.add({ task })
      throw error
    }
  }

  async function scan(campaign: Campaign, signal: AbortSignal): ReturnType<Service['scan']> {
    const count = (result: ScanEnd): void => metrics.scans.add({ campaign: campaign.key, result })
    try {
      const result = await jobs.scan(campaign, signal)
      count(result === null ? 'busy' : 'done')
      return result
    } catch (error) {
      if (!ports.ending.aborted) count('failed')
      throw error
    }
  }

  return {
    ports,
    scan,
    feed: (only) => counted('feed', () => jobs.feed(only)),
    send: (messageId, signal) => counted('send', () => send(countedTry(ports, metrics), { messageId }, signal)),
    settle: () => counted('settle', () => jobs.settle()),
    quota: (signal) => counted('quota', () => jobs.quota(signal)),
    retain: (signal) => counted('retain', () => jobs.retain(signal)),
    enabled: () => service.enabled(),
  }
}
