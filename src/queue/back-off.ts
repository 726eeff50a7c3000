import { setTimeout as sleep } from 'node:timers/promises'
import type { IQueueBackend } from 'bullmq'

const firstMs = 100
const longestMs = 2_000

/**
 * Makes a worker wait before it fetches again from a backend that answers with errors, longer each time: BullMQ asks again at
 * once, thousands of times a second. The wait ends at once when `signal` aborts.
 */
export function withBackOff(backend: IQueueBackend, signal: AbortSignal): IQueueBackend {
  backend.moveToActive = backingOff(backend.moveToActive.bind(backend), signal)
  backend.waitForJob = backingOff(backend.waitForJob.bind(backend), signal)
  return backend
}

function backingOff<A extends unknown[], R>(fetch: (...args: A) => Promise<R>, signal: AbortSignal) {
  let waitMs = firstMs
  return async (...args: A): Promise<R> => {
    try {
      const fetched = await fetch(...args)
      waitMs = firstMs
      return fetched
    } catch (error) {
      await sleep(waitMs, undefined, { signal }).catch(() => undefined)
      waitMs = Math.min(waitMs * 2, longestMs)
      throw error
    }
  }
}
