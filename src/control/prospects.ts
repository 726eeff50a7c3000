import type { Campaign } from '#core/campaign.ts'
import { everything, type Ledger } from '#ledger/ledger.ts'

/** A campaign as it would be sent: as enabled while it is on, else as its file says, which enabling it would take. */
export interface Prospect {
  readonly campaign: Campaign
  /** Its own gate. */
  readonly own: 'on' | 'off'
}

/** All campaigns, on file or in the ledger, in order of key, and whether everything is stopped. */
export async function readProspects(
  { gates, editions }: Pick<Ledger, 'gates' | 'editions'>,
  onFile: readonly Campaign[],
): Promise<{ prospects: Prospect[]; stopped: boolean }> {
  const on = new Set((await gates.list()).filter(({ state }) => state === 'on').map(({ scope }) => scope))
  const enabled = (await editions.all()).map(({ campaign }) => campaign)
  // The last one of a key counts.
  const inForce = enabled.filter(({ key }) => on.has(key))
  const byKey = new Map([...enabled, ...onFile, ...inForce].map((campaign) => [campaign.key, campaign]))
  const prospects = [...byKey.values()]
    .sort((one, other) => (one.key < other.key ? -1 : 1))
    .map((campaign): Prospect => ({ campaign, own: on.has(campaign.key) ? 'on' : 'off' }))
  return { prospects, stopped: !on.has(everything) }
}
