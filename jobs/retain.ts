import type { Clocks } from '#core/clock.ts'
import type { Ledger } from '#ledger/ledger.ts'
import type { Log } from '#observe/observe.ts'

export interface RetainPorts {
  readonly ledger: Pick<Ledger, 'reports'>
  readonly clocks: Clocks
  readonly log: Log
  /** retention.addressDays */
  readonly addressDays: number
}

const dayMs = 86_400_000

/** Removes the addresses of messages that were decided longer ago than the retention. */
export async function retain({ ledger, clocks, log, addressDays }: RetainPorts, signal: AbortSignal): Promise<number> {
  const before = clocks.business() - addressDays * dayMs
  let forgotten = 0
  let removed: number
  do {
    signal.throwIfAborted()
    removed = await ledger.reports.forgetAddresses(before)
    forgotten += removed
  } while (removed > 0)
  if (forgotten > 0) log.info('addresses.forgotten', { messages: forgotten })
  return forgotten
}
