import type { Log } from '#observe/observe.ts'
import { faultOf } from './trouble.ts'

/** One line per cause and so long: a backend that is down throws thousands of times a second. */
const quietMs = 10_000

/**
 * Logs the errors that BullMQ emits, one line per cause every 10 s, with how many were left out since the last.
 * `monotonicMs` is any clock that never goes back.
 */
export function queueErrorLog(log: Log, monotonicMs: () => number = () => performance.now()) {
  const causes = new Map<string, { loggedMs: number; omitted: number }>()

  return (queue: string, error: Error): void => {
    const cause = faultOf(error)
    const now = monotonicMs()
    const seen = causes.get(cause)
    if (seen && now - seen.loggedMs < quietMs) {
      seen.omitted += 1
      return
    }
    causes.set(cause, { loggedMs: now, omitted: 0 })
    log.warn('queue-error', { queue, cause, omitted: seen?.omitted ?? 0 })
  }
}
