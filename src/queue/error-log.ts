import type { Log } from '#observe/observe.ts'

/** One line per cause and so long: a backend that is down throws thousands of times a second. */
const quietMs = 10_000

/**
 * Logs the errors that BullMQ emits, one line per cause every 10 s, with how many were left out since the last.
 * `monotonicMs` is any clock that never goes back.
 */
export function queueErrorLog(log: Log, monotonicMs: () => number = () => performance.now()) {
  const causes = new Map<string, { loggedMs: number; omitted: number }>()

  return (queue: string, error: Error): void => {
    const cause = causeOf(error)
    const key = `${queue} ${cause}`
    const now = monotonicMs()
    const seen = causes.get(key)
    if (seen && now - seen.loggedMs < quietMs) {
      seen.omitted += 1
      return
    }
    causes.set(key, { loggedMs: now, omitted: 0 })
    log.warn('queue-error', { queue, cause, omitted: seen?.omitted ?? 0 })
  }
}

/** The error's code, or its text without the parts that differ from job to job: so few causes that they may be kept. */
function causeOf(error: Error): string {
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.message.replace(/\S*\d\S*/g, '…').slice(0, 200)
}
