import type { Clocks } from '#core/clock.ts'
import { type RatePolicy, rateLimit } from '#core/pace.ts'
import type { Ledger } from '#ledger/ledger.ts'
import type { Queue } from '#queue/queue.ts'

export interface FeedPorts {
  readonly ledger: Pick<Ledger, 'outbox' | 'pace'>
  readonly queue: Pick<Queue, 'addSends'>
  readonly clocks: Clocks
  readonly rate: RatePolicy
}

/** The queue holds at most so many seconds of work: what waits, waits in the ledger, where it can be held and counted. */
const aheadSeconds = 120
const maxMessages = 5_000

/** Hurries the most urgent messages that may be sent now into the queue. Under a hold, just enough to probe with. `campaign` restricts it to one. */
export async function feed({ ledger, queue, clocks, rate }: FeedPorts, campaign?: string): Promise<{ fed: number }> {
  const pace = await ledger.pace.read()
  const ahead = Math.ceil(rateLimit(rate, pace.sesRatePerSecond) * aheadSeconds)
  const limit = pace.hold === null ? Math.min(maxMessages, ahead) : 1
  const ids = await ledger.outbox.sendable(clocks.business(), limit, campaign)
  await queue.addSends(ids)
  return { fed: ids.length }
}
