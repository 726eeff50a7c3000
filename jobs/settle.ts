import type { Clocks } from '#core/clock.ts'
import type { Attempt, Ledger, Worker } from '#ledger/ledger.ts'
import type { Log } from '#observe/observe.ts'

export interface SettlePorts {
  readonly ledger: Pick<Ledger, 'attempts' | 'databaseNow'>
  readonly clocks: Clocks
  readonly log: Log
  /** True when the worker's process surely does not exist any more. */
  readonly provenGone: (worker: Worker) => boolean
  /** mail.timeoutMs */
  readonly timeoutMs: number
}

/** How long a signed request stays valid at SES: after it, not even a process that was frozen can get it accepted. */
export const signatureValidMs = 15 * 60_000

/**
 * Turns claims that nobody ended into doubts. An attempt stays open, and is named by a stop, until its worker is proven
 * gone or the fence has passed: a frozen process may still call.
 */
export async function settle({ ledger, clocks, log, provenGone, timeoutMs }: SettlePorts): Promise<{ doubts: number }> {
  const databaseAt = await ledger.databaseNow()
  let doubts = 0
  for (const attempt of await ledger.attempts.open()) {
    const over = provenGone(attempt.worker) || databaseAt >= attempt.askedAt + signatureValidMs + timeoutMs
    if (!over && databaseAt < attempt.leaseEndsAt) continue
    if (!over && attempt.messageState === 'in_doubt') continue
    await ledger.attempts.doubt(attempt.number, over, clocks.business())
    doubts += 1
    tell(log, attempt, over)
  }
  return { doubts }
}

function tell(log: Log, attempt: Attempt, over: boolean): void {
  log.warn('message.in-doubt', {
    message: attempt.messageId,
    campaign: attempt.campaign,
    attempt: attempt.number,
    worker: attempt.worker.name,
    closed: over,
  })
}
