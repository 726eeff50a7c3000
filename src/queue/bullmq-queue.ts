import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue as BullQueue } from 'bullmq'
import { ForewarnError } from '#core/errors.ts'
import type { Log } from '#observe/observe.ts'
import type { Backend, OpenBackend } from './backend.ts'
import { chooseBackend } from './backends.ts'
import { queueErrorLog } from './error-log.ts'
import type { JobQueue, JobWorker } from './job-queue.ts'
import type { ClockJob, Queue, QueueHandlers, Timetable } from './queue.ts'
import { RunningJobs } from './running-jobs.ts'
import { addSends, countJobs, until } from './sends.ts'
import { keepSchedulers, startClockJob } from './timetable.ts'
import { troubleOf } from './trouble.ts'
import { unusable } from './unusable.ts'
import { clockWorker, sendWorker } from './workers.ts'

/** More than there are clock jobs without a campaign: as none runs twice at once here, none ever waits for another. */
const clockConcurrency = 16

/** A backend that is down does not hold up the end for longer. */
const closingMs = 1_000

/** Scans have a queue of their own: however many there are, and however long they run, the feed never waits for one. */
const scanConcurrency = 4

/**
 * The queue at `url`, through BullMQ. Nothing is opened before the first call. Queues of another `name` in the same
 * backend are apart.
 * @throws ForewarnError `usage` for a URL that names no backend.
 */
export function openQueue(options: { url: string; name?: string; log: Log }): Queue {
  return new BullmqQueue(chooseBackend(options.url), options.name ?? 'forewarn', options.log)
}

interface Opened {
  readonly backend: OpenBackend
  readonly sends: JobQueue
  readonly clock: JobQueue
  readonly scans: JobQueue
}

/** {@link openQueue} on a backend that is chosen already. */
export class BullmqQueue implements Queue {
  readonly #backend: Backend
  readonly #name: string
  readonly #log: Log
  readonly #logError: (queue: string, error: Error) => void
  readonly #workers: JobWorker[] = []
  readonly #sending = new RunningJobs()
  readonly #clockwork = new RunningJobs()
  /** `idle`: this process may have done the last send. */
  readonly #events = new EventEmitter()
  readonly #stopping = new AbortController()
  #opened: Promise<Opened> | undefined
  #stopped: Promise<void> | undefined

  constructor(backend: Backend, name: string, log: Log) {
    this.#backend = backend
    this.#name = name
    this.#log = log
    this.#logError = queueErrorLog(log)
  }

  get backend(): string {
    return this.#backend.kind
  }

  async start(): Promise<void> {
    await this.#use(async ({ backend }) => {
      await backend.ping()
      for (const warning of await backend.warnings()) this.#log.warn('queue-warning', { warning })
    })
  }

  async addSends(messageIds: readonly string[]): Promise<void> {
    await this.#use(({ sends }) => addSends(sends, messageIds))
  }

  async keepTimetable(timetable: readonly Timetable[]): Promise<void> {
    await this.#use(async (opened) => {
      for (const queue of [opened.clock, opened.scans]) {
        await keepSchedulers(
          queue,
          timetable.filter(({ job }) => queueOf(job, opened) === queue),
        )
      }
    })
  }

  async startNow(job: ClockJob): Promise<void> {
    await this.#use((opened) => startClockJob(queueOf(job, opened), job))
  }

  async work(handlers: QueueHandlers, roles: { readonly sends: number; readonly clock: boolean }): Promise<void> {
    const { backend, sends, clock, scans } = await this.#open()
    if (this.#stopping.signal.aborted) throw this.#stopping.signal.reason
    const shared = { backend, log: this.#log, logError: this.#logError, stopping: this.#stopping.signal }
    if (roles.sends > 0) {
      const parts = { ...shared, queue: sends.name, concurrency: roles.sends, running: this.#sending }
      this.#workers.push(sendWorker(parts, handlers, () => this.#events.emit('idle')))
    }
    if (roles.clock) {
      const parts = { ...shared, running: this.#clockwork }
      this.#workers.push(
        clockWorker({ ...parts, queue: clock.name, concurrency: clockConcurrency }, handlers),
        clockWorker({ ...parts, queue: scans.name, concurrency: scanConcurrency }, handlers),
      )
    }
    await Promise.all(this.#workers.map((worker) => worker.waitUntilReady()))
  }

  async drained(signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, this.#stopping.signal])
    const isEmpty = async () => {
      const { waiting, active } = await this.counts()
      return waiting + active + this.#sending.size === 0
    }
    await until(isEmpty, this.#events, ended)
  }

  async counts(): Promise<{ readonly waiting: number; readonly active: number }> {
    return this.#use(({ sends }) => countJobs(sends))
  }

  stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs)
    return this.#stopped
  }

  async #stop(graceMs: number): Promise<void> {
    this.#stopping.abort(unusable('the queue is stopped'))
    const running = [this.#sending, this.#clockwork]
    for (const jobs of running) jobs.close()
    const opened = await this.#opened?.catch(() => undefined)
    if (!opened) return

    const grace = setTimeout(() => {
      for (const jobs of running) jobs.abort()
    }, graceMs)
    const closed = this.#close(opened)
    await Promise.all(running.map((jobs) => jobs.ended()))
    clearTimeout(grace)
    const ended = new AbortController()
    await Promise.race([closed, this.#force(opened, ended.signal)]).finally(() => ended.abort())
  }

  /** Ends the connections under what does not close by itself. No handler runs any more: what is left is BullMQ's own waiting. */
  async #force({ backend }: Opened, signal: AbortSignal): Promise<void> {
    const pause = () => sleep(closingMs, undefined, { signal }).catch(() => undefined)
    await pause()
    if (signal.aborted) return
    backend.disconnect()
    // On a Cluster that was restarted, closing may wait for an answer that nobody gives any more.
    await pause()
    if (!signal.aborted) this.#log.warn('queue-not-closed')
  }

  async #close({ backend, sends, clock, scans }: Opened): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()))
    await Promise.all([sends.close(), clock.close(), scans.close()])
    await backend.close()
  }

  /** Asks the open queue. What the backend throws becomes `queue-unusable`. */
  async #use<T>(ask: (opened: Opened) => Promise<T>): Promise<T> {
    const opened = await this.#open()
    try {
      return await unlessAborted(() => ask(opened), this.#stopping.signal)
    } catch (error) {
      throw error instanceof ForewarnError ? error : unusable(opened.backend.explain(error))
    }
  }

  #open(): Promise<Opened> {
    if (this.#stopping.signal.aborted) return Promise.reject(this.#stopping.signal.reason)
    this.#opened ??= this.#openAll().catch((error) => {
      this.#opened = undefined // the next call tries again
      throw error instanceof ForewarnError ? error : unusable(`the queue cannot be opened: ${troubleOf(error)}`)
    })
    return this.#opened
  }

  async #openAll(): Promise<Opened> {
    const backend = await this.#backend.open()
    const open = (what: string): JobQueue => {
      const queue: JobQueue = new BullQueue(`${this.#name}-${what}`, backend.producerOptions, backend.factory)
      queue.on('error', (error) => this.#logError(queue.name, error))
      return queue
    }
    return { backend, sends: open('sends'), clock: open('clock'), scans: open('scans') }
  }
}

/** A clock job for a campaign is a scan: it may take long. */
function queueOf(job: ClockJob, { clock, scans }: Opened): JobQueue {
  return job.campaign === null ? clock : scans
}

/** BullMQ never answers what it is asked while it closes. */
async function unlessAborted<T>(begin: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([begin(), aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
