import { limitsByCampaign } from '#core/caps.ts'
import type { Clocks } from '#core/clock.ts'
import { type RatePolicy, rateLimit } from '#core/pace.ts'
import type { Ledger } from '#ledger/ledger.ts'
import type { Queue } from '#queue/queue.ts'

export interface FeedPorts {
  readonly ledger: Pick<Ledger, 'outbox' | 'pace' | 'editions'>
  readonly queue: Pick<Queue, 'addSends'>
  readonly clocks: Clocks
  readonly rate: RatePolicy
}

/** The queue holds at most so many seconds of work: what waits, waits in the ledger, where it can be held and counted. */
const aheadSeconds = 120
const maxMessages = 5_000

/**
 * Hurries the most urgent messages that may be sent now into the queue; of a campaign no more than its limits have room for:
 * each of the others would use up a slot of the pace, only to be refused. Under a hold, just enough to probe with. `campaign`
 * restricts it to one.
 */
export async function feed({ ledger, queue, clocks, rate }: FeedPorts, campaign?: string): Promise<{ fed: number }> {
  const pace = await ledger.pace.read()
  const ahead = Math.ceil(rateLimit(rate, pace.sesRatePerSecond) * aheadSeconds)
  const limit = pace.hold === null ? Math.min(maxMessages, ahead) : 1
  const at = clocks.business()
  const campaigns = (await ledger.editions.all()).map((edition) => edition.campaign)
  const rooms = await ledger.outbox.rooms(limitsByCampaign(campaigns, at))
  const ids = await ledger.outbox.sendable(at, limit, { campaign, rooms })
  await queue.addSends(ids)
  return { fed: ids.length }
}
