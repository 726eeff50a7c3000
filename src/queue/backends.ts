import type { BackendFactory, IQueueBackend, QueueOptions, WorkerOptions } from 'bullmq'
import { ForewarnError } from '#core/errors.ts'

/** Where queues live, by the queue's URL. */
export interface Backend {
  readonly kind: 'embedded' | 'redis' | 'postgres'
  open(): Promise<OpenBackend>
}

/** What BullMQ's constructors need to reach an open backend. */
export interface OpenBackend {
  /** Options of each Queue and each Worker, beside the caller's own: connection, and prefix or schema. */
  readonly producerOptions: QueueOptions<unknown>
  readonly workerOptions: WorkerOptions<unknown>
  readonly factory: BackendFactory<IQueueBackend, unknown>
  /** Throws when the backend does not answer. */
  ping(): Promise<void>
  /** Frees it, after all its Queues and Workers have closed. */
  close(): Promise<void>
}

/**
 * The backend that a queue URL names. Loads nothing: drivers are imported when it is opened.
 * @throws ForewarnError `usage` for a URL that names none.
 */
export function chooseBackend(url: string): Backend {
  if (url === 'embedded:') return { kind: 'embedded', open: openEmbedded }
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0] // never the whole URL: it may hold a password
  throw new ForewarnError(
    'usage',
    scheme === undefined ? 'the queue URL has no scheme' : `queues on ${scheme} are not supported by this version`,
    { path: 'queue', hint: "set queue (QUEUE_URL) to 'embedded:'" },
  )
}

async function openEmbedded(): Promise<OpenBackend> {
  const [{ createPostgresBackend }, { openPglitePool }] = await Promise.all([
    import('bullmq'),
    import('./pglite-pool.ts'),
  ])
  const pool = await openPglitePool()
  return {
    // Nobody reads BullMQ's event stream; its shortest length keeps the table small.
    producerOptions: { connection: pool, streams: { events: { maxLen: 1 } } },
    workerOptions: { connection: pool },
    // The factory is only ever called with the connection above.
    factory: createPostgresBackend as BackendFactory<IQueueBackend, unknown>,
    ping: async () => void (await pool.query('SELECT 1')),
    close: () => pool.end(),
  }
}
