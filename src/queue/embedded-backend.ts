import { type BackendFactory, createPostgresBackend, type IQueueBackend } from 'bullmq'
import type { OpenBackend } from './backend.ts'
import { openPglitePool } from './pglite-pool.ts'
import { troubleOf } from './trouble.ts'

/** A queue within this process, in memory: no other reaches it, and it ends with the process. */
export async function openEmbedded(): Promise<OpenBackend> {
  const pool = await openPglitePool()
  return {
    // Nobody reads BullMQ's event stream; its shortest length keeps the table small.
    producerOptions: { connection: pool, streams: { events: { maxLen: 1 } } },
    workerOptions: () => ({ connection: pool }),
    // The factory is only ever called with the connection above.
    factory: createPostgresBackend as BackendFactory<IQueueBackend, unknown>,
    ping: async () => void (await pool.query('SELECT 1')),
    warnings: async () => [],
    explain: (error) => `the embedded queue failed: ${troubleOf(error)}`,
    disconnect: () => undefined,
    close: () => pool.end(),
  }
}
