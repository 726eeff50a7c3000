import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { ForewarnError } from '#core/errors.ts'
import type { LeaseBook } from '#ledger/ledger.ts'

export interface TurnOptions {
  readonly leases: Pick<LeaseBook, 'acquire' | 'release'>
  /** How long to wait for another import; default: ten minutes. */
  readonly waitMs?: number
  /** Called once when another has to be waited for. */
  readonly onWait?: () => void
  readonly signal?: AbortSignal
}

const name = 'pins-replace'
/** An import that died gives way after this long. */
const leaseMs = 60_000
const renewMs = 10_000
const defaultWaitMs = 600_000
const askAgainMs = 250

/**
 * Does the work when no other import that replaces is under way: of two at once, each would remove what only the other's file
 * holds. `keep` must be awaited more often than once a minute; it throws `import-under-way` when the turn was lost.
 */
export async function inTurn<T>(options: TurnOptions, work: (keep: () => Promise<void>) => Promise<T>): Promise<T> {
  const { leases } = options
  const holder = randomUUID()
  await takeTurn(options, holder)
  let renewedMs = performance.now()
  const keep = async (): Promise<void> => {
    if (performance.now() < renewedMs + renewMs) return
    if (!(await leases.acquire(name, holder, leaseMs))) {
      throw underWay('This import stood still for so long that another one took its turn.')
    }
    renewedMs = performance.now()
  }
  try {
    return await work(keep)
  } finally {
    await leases.release(name, holder)
  }
}

async function takeTurn({ leases, waitMs = defaultWaitMs, onWait, signal }: TurnOptions, holder: string) {
  const endMs = performance.now() + waitMs
  let waited = false
  while (!(await leases.acquire(name, holder, leaseMs))) {
    signal?.throwIfAborted()
    if (performance.now() >= endMs) throw underWay('Another import with --replace is under way.')
    if (!waited) onWait?.()
    waited = true
    await pause(askAgainMs)
  }
}

function underWay(message: string): ForewarnError {
  return new ForewarnError('import-under-way', message, { hint: 'Import again when the other one has ended.' })
}
