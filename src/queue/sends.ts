import type { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobQueue } from './job-queue.ts'
import { finishedJobsVanish } from './job-queue.ts'

/** Adding 100 blocks the event loop for about 25 ms on the embedded backend. */
const batchJobs = 50

/** How long a change that no event of this process tells of may go unseen. */
const pollMs = 250

/** Adds send jobs in this order; an id whose job waits or runs is left as it is. */
export async function addSends(queue: JobQueue, messageIds: readonly string[]): Promise<void> {
  for (let start = 0; start < messageIds.length; start += batchJobs) {
    const batch = messageIds.slice(start, start + batchJobs)
    await queue.addBulk(
      batch.map((messageId) => ({
        name: 'send',
        data: { messageId },
        opts: { jobId: messageId, ...finishedJobsVanish },
      })),
    )
  }
}

export async function countJobs(queue: JobQueue): Promise<{ waiting: number; active: number }> {
  // Which of these a waiting job is counted under differs between the backends.
  const counts = await queue.getJobCounts('waiting', 'prioritized', 'delayed', 'active')
  const { active = 0, ...others } = counts
  return { waiting: Object.values(others).reduce((sum, count) => sum + count, 0), active }
}

/**
 * Resolves when `isDone`. Looks again whenever `events` emits `idle`, which this process's worker does, and every 250 ms for
 * what other processes do. Throws the signal's reason when it aborts.
 */
export async function until(isDone: () => Promise<boolean>, events: EventEmitter, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    if (await isDone()) return

    const woken = new AbortController()
    const wake = () => woken.abort()
    events.once('idle', wake)
    try {
      await sleep(pollMs, undefined, { signal: AbortSignal.any([signal, woken.signal]) })
    } catch {
      // Aborted or woken: the loop finds out which.
    } finally {
      events.off('idle', wake)
    }
  }
}
