import { limitsByCampaign } from '#core/caps.ts'
import type { Instant } from '#core/instant.ts'
import { holdInForce, type RatePolicy } from '#core/pace.ts'
import { everything, type Ledger, type WaitReason } from '#ledger/ledger.ts'

/** Why a message, or a reminder on its way into one, has not gone out yet. */
export type WaitCause = WaitReason | 'gate' | 'campaign-off' | 'hold' | 'quota' | 'pace' | 'assembly'

export interface WaitPorts {
  readonly ledger: Pick<Ledger, 'gates' | 'pace' | 'editions' | 'outbox'>
  readonly rate: RatePolicy
}

/**
 * Reads what can hold up a pending message at this instant, and tells why one waits: what stops everything first, then its
 * own cause, and of those that may go what is in their way.
 */
export async function waitCauses(
  { ledger, rate }: WaitPorts,
  at: Instant,
): Promise<(campaign: string, why: WaitReason | 'ready') => WaitCause> {
  const gates = new Map((await ledger.gates.list()).map(({ scope, state }) => [scope, state]))
  const hold = holdInForce(await ledger.pace.read(), rate)
  const campaigns = (await ledger.editions.all()).map(({ campaign }) => campaign)
  const rooms = await ledger.outbox.rooms(limitsByCampaign(campaigns, at))
  return (campaign, why) => {
    if (gates.get(everything) !== 'on') return 'gate'
    if (gates.get(campaign) !== 'on') return 'campaign-off'
    if (why !== 'ready') return why
    if (hold !== null) return hold.cause === 'quota' ? 'quota' : 'hold'
    return rooms.get(campaign) === 0 ? 'limit' : 'pace'
  }
}
