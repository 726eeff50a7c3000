import { Queue as BullQueue, type PgPool } from 'bullmq'
import { type Backend, chooseBackend } from '#queue/backends.ts'
import type { JobQueue } from '#queue/job-queue.ts'

/** An open backend that many queues of a test share, as processes would; and the ways to look into and harm it. */
export interface Stack {
  readonly backend: Backend
  /** BullMQ's own view of a queue, to look into it; the caller closes it. */
  inspect(queue: string): JobQueue
  /** Everything that is stored for any queue, as text. */
  dump(): Promise<string>
  /** As after a flush or an eviction: nothing is left of any queue. */
  loseEverything(): Promise<void>
  /** Jobs are gone, what schedules them is not. */
  loseJobs(): Promise<void>
  close(): Promise<void>
}

/** Every backend passes the same suite. */
export const stacks: readonly { readonly name: string; readonly open: () => Promise<Stack> }[] = [
  { name: 'embedded', open: openEmbedded },
]

async function openEmbedded(): Promise<Stack> {
  const opened = await chooseBackend('embedded:').open()
  const pool = opened.producerOptions.connection as PgPool
  const tables = async () =>
    (
      await pool.query<{ name: string }>("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'bullmq'")
    ).rows.map((row) => row.name)
  return {
    backend: { kind: 'embedded', open: async () => ({ ...opened, close: async () => undefined }) },
    inspect: (queue) => new BullQueue(queue, { ...opened.producerOptions, skipMetasUpdate: true }, opened.factory),
    async dump() {
      const rows = await Promise.all((await tables()).map((name) => pool.query(`SELECT * FROM ${name}`)))
      return JSON.stringify(rows.map((result) => result.rows))
    },
    async loseEverything() {
      const names = (await tables()).filter((name) => name !== 'migration')
      await pool.query(`TRUNCATE ${names.join(', ')} CASCADE`)
    },
    loseJobs: async () => void (await pool.query('DELETE FROM job')),
    close: () => opened.close(),
  }
}
