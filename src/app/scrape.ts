import type { OpenedMetrics } from '#observe/metrics.ts'
import { answerWithinMs } from '#web/health.ts'
import type { Exposition } from '#web/metrics.ts'
import { timely } from '#web/timely.ts'
import { beginCampaign } from './begin-counting.ts'
import { hideLedger, readLedger, showLedger } from './ledger-gauges.ts'
import type { Service } from './service.ts'

/**
 * The service's metrics as they are at each scrape, with what could be read in time. What is in the ledger and the queue is the same
 * for all processes: one of them tells it for `everyone`.
 */
export function scraped(
  service: Service,
  { metrics, contentType, text }: OpenedMetrics,
  { everyone, withinMs = answerWithinMs }: { everyone: boolean; withinMs?: number },
): Exposition {
  const { ofLedger, ledgerReadable, queueReadable, queueJobs } = metrics
  const askLedger = timely(async () => {
    const campaigns = (await service.enabled()).map(({ campaign }) => campaign)
    return { campaigns, now: everyone ? await readLedger(service.ports, campaigns) : null }
  }, withinMs)
  const askQueue = timely(() => service.ports.queue.counts(), withinMs)

  return {
    contentType,
    async text() {
      const [ledger, queue] = await Promise.all([askLedger().catch(() => null), askQueue().catch(() => null)])
      ledgerReadable.show([{ labels: {}, value: Number(ledger !== null) }])
      queueReadable.show([{ labels: {}, value: Number(queue !== null) }])
      for (const campaign of ledger?.campaigns ?? []) beginCampaign(metrics, campaign)
      if (ledger?.now) showLedger(ofLedger, ledger.now)
      else hideLedger(ofLedger)
      const jobs = everyone && queue !== null ? Object.entries(queue) : []
      queueJobs.show(jobs.map(([state, value]) => ({ labels: { state }, value })))
      return text()
    },
  }
}
