import { Worker } from 'bullmq'
import { ForewarnError } from '#core/errors.ts'
import type { Log } from '#observe/observe.ts'
import { withBackOff } from './back-off.ts'
import type { OpenBackend } from './backend.ts'
import type { JobWorker, QueuedJob } from './job-queue.ts'
import type { QueueHandlers } from './queue.ts'
import type { RunningJobs } from './running-jobs.ts'
import { clockJobKey, clockJobOf } from './timetable.ts'

/**
 * A job whose process fell silent runs again after 30 to 60 s, as often as that happens: whether there is still
 * something to do is the ledger's to say.
 */
const stalling = { lockDuration: 30_000, stalledInterval: 30_000, maxStalledCount: 1_000 } as const

/** What BullMQ itself tries again, after a connection was refused, it tries so soon. */
const retrying = { runRetryDelay: 1_000 } as const

/** What a worker is made of. It takes jobs from the moment it is made, at most `concurrency` at once. */
export interface WorkerParts {
  readonly backend: OpenBackend
  /** BullMQ's name of the queue */
  readonly queue: string
  readonly concurrency: number
  readonly running: RunningJobs
  readonly log: Log
  readonly logError: (queue: string, error: Error) => void
  /** Aborted when the queue stops. */
  readonly stopping: AbortSignal
}

/** Takes send jobs; `onIdle` is called when there was no more to take, or nothing runs here any more. */
export function sendWorker(parts: WorkerParts, handlers: QueueHandlers, onIdle: () => void): JobWorker {
  const { running, log } = parts
  const worker = startWorker(parts, async ({ name, data }) => {
    if (!('messageId' in data)) return
    const { messageId } = data
    await running.run(messageId, (signal) =>
      surviving(() => handlers.send(messageId, signal), log, { job: name, messageId }),
    )
  })
  worker.on('drained', onIdle)
  worker.on('completed', () => {
    if (running.size === 0) onIdle()
  })
  return worker
}

export function clockWorker(parts: WorkerParts, handlers: QueueHandlers): JobWorker {
  const { running, log } = parts
  return startWorker(parts, async (queued) => {
    const job = clockJobOf(queued)
    const key = clockJobKey(job)
    await running.run(key, (signal) => surviving(() => handlers.clock(job, signal), log, { job: key }))
  })
}

function startWorker(parts: WorkerParts, run: (job: QueuedJob) => Promise<void>): JobWorker {
  const { backend, queue, concurrency, logError, stopping } = parts
  const options = { ...backend.workerOptions(), ...stalling, ...retrying, concurrency }
  const factory: typeof backend.factory = (...args) => withBackOff(backend.factory(...args), stopping)
  const worker: JobWorker = new Worker(queue, run, options, factory)
  worker.on('error', (error) => logError(queue, error))
  return worker
}

/** A handler's error goes no further: BullMQ would keep its text, which may quote an address. */
async function surviving(handle: () => Promise<void>, log: Log, fields: { job: string; messageId?: string }) {
  try {
    await handle()
  } catch (error) {
    const code = error instanceof ForewarnError ? error.code : error instanceof Error ? error.name : 'unknown'
    log.error('job-threw', { ...fields, code })
  }
}
