import type { Instant } from '#core/instant.ts'
import { type Among, claimProtocol, everything } from './ledger.ts'

/** Campaigns whose sendable messages are walked together, most urgent first, as far as `limit`. */
interface Walk {
  readonly campaigns: readonly string[]
  readonly limit: number
}

/** Campaigns with a limit are walked one by one, each as far as it has room; all others together. */
export function feedWalks(open: readonly string[], limit: number, { campaign, rooms }: Among): Walk[] {
  const wanted = open.filter((one) => campaign === undefined || one === campaign)
  const limited = wanted.filter((one) => rooms?.has(one))
  const walks = [
    { campaigns: wanted.filter((one) => !rooms?.has(one)), limit },
    ...limited.map((one) => ({ campaigns: [one], limit: Math.min(limit, rooms?.get(one) ?? 0) })),
  ]
  return walks.filter((walk) => walk.campaigns.length > 0 && walk.limit > 0)
}

/** Campaigns whose gate is on, of the gates that are; none while the gate of everything is off. */
export function openCampaigns(on: readonly { scope: string; claimProtocol: number }[]): string[] {
  const allowed = on.some((one) => one.scope === everything && one.claimProtocol === claimProtocol)
  return allowed ? on.map((one) => one.scope).filter((scope) => scope !== everything) : []
}

export interface SendableMessage {
  readonly id: string
  readonly priority: number
  readonly notBefore: Instant
}

/** The ids of the most urgent of all that was found. */
export function mostUrgentIds(found: readonly SendableMessage[], limit: number): string[] {
  return found
    .toSorted(byUrgency)
    .slice(0, limit)
    .map(({ id }) => id)
}

function byUrgency(one: SendableMessage, other: SendableMessage): number {
  return one.priority - other.priority || one.notBefore - other.notBefore || (one.id < other.id ? -1 : 1)
}
