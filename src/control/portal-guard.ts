import type { Clocks } from '#core/clock.ts'
import { goneWindowMs, tooManyGone } from '#core/gone-share.ts'
import type { Gate, Ledger } from '#ledger/ledger.ts'
import type { Log } from '#observe/observe.ts'

export interface GuardPorts {
  readonly ledger: Pick<Ledger, 'gates'>
  readonly clocks: Pick<Clocks, 'monotonicMs'>
  readonly log: Log
}

interface Seen {
  readonly read: number
  readonly gone: number
}

/** What was seen within one second of the monotonic clock. */
interface Second extends Seen {
  readonly second: number
}

const nothing: Seen = { read: 0, gone: 0 }

function sum(one: Seen, other: Seen): Seen {
  return { read: one.read + other.read, gone: one.gone + other.gone }
}

/**
 * Counts what the re-reads of this process say, campaign by campaign, and closes a campaign's gate when too many PINs are
 * gone within a minute: a person opens it again. What was skipped as `gone` meanwhile is reopened when the PINs are back.
 */
export function portalGuard({ ledger, clocks, log }: GuardPorts): { saw(campaign: string, seen: Seen): Promise<void> } {
  const recent = new Map<string, Second[]>()
  return {
    async saw(campaign, seen) {
      const second = Math.floor(clocks.monotonicMs() / 1_000)
      const seconds = (recent.get(campaign) ?? []).filter((one) => one.second > second - goneWindowMs / 1_000)
      const last = seconds.at(-1)?.second === second ? seconds.pop() : undefined
      seconds.push({ second, ...sum(last ?? nothing, seen) })
      recent.set(campaign, seconds)
      const total = seconds.reduce<Seen>(sum, nothing)
      // Whoever opens the gate again has seen to it: the count begins anew.
      if (tooManyGone(total) && (await closed(campaign, total))) recent.delete(campaign)
    },
  }

  async function closed(campaign: string, { read, gone }: Seen): Promise<boolean> {
    const reason = `${mark}${gone} of ${read} PINs that were read again within a minute were gone`
    try {
      const { changed } = await ledger.gates.close(campaign, { actor, reason })
      if (changed) log.error('guard.closed-campaign', { campaign, read, gone })
      return true
    } catch (error) {
      log.error('guard.not-closed', { campaign, read, gone, error: error instanceof Error ? error.name : 'unknown' })
      return false
    }
  }
}

const actor = 'forewarn'
/** Begins the reason: a person may act under the same name. */
const mark = 'guard: '

/** True when a guard closed this gate, and nobody has opened it since. */
export function closedByGuard(gate: Gate): boolean {
  return gate.state === 'off' && gate.actor === actor && gate.reason.startsWith(mark)
}
