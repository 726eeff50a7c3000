import { EventEmitter } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { PGlite, types } from '@electric-sql/pglite'
import { type PgPool, type PgPoolClient, type PgQueryResult, runMigrations } from 'bullmq'

const schema = 'bullmq'

/**
 * Housekeeping after so many queries. A PostgreSQL in process has neither autovacuum nor checkpointer: without it, memory
 * grows by 5 MB of dead rows and 16 MB of log with every 5,000 jobs. It takes about 15 ms.
 */
const queriesPerTidy = 10_000

/**
 * Opens PostgreSQL in this process and in memory, with BullMQ's schema in place, in the shape of the `pg.Pool` that
 * BullMQ takes. Takes 2–4 s. `end` frees all of it; later queries are refused.
 */
export async function openPglitePool(): Promise<PgPool> {
  const db = await PGlite.create({
    // BullMQ reads int8 as pg gives it, as a string.
    parsers: { [types.INT8]: (value) => value },
    // The shipped 160 MB of buffers would all be touched in time, for few rows; and nothing here outlives the process, so
    // that no commit need wait and no page be logged whole.
    postgresqlconf: ['shared_buffers = 16MB', 'synchronous_commit = off', 'full_page_writes = off'],
  })
  const pool = new PglitePool(db)
  const client = await pool.connect()
  await runMigrations(client, schema)
  client.release()
  await pool.query(`SET search_path TO ${schema}, public`)
  return pool
}

/** All clients share the one session that PGlite has: a lock gives it to one query, or one transaction, at a time. */
class PglitePool implements PgPool {
  /** Tells BullMQ that a lost LISTEN would be noticed: here none can be lost. */
  readonly options = { keepAlive: true }
  readonly #db: PGlite
  #lastInLine: Promise<unknown> = Promise.resolve()
  #queries = 0
  #ending: Promise<void> | undefined

  constructor(db: PGlite) {
    this.#db = db
  }

  async query<R>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> {
    const release = await this.lock()
    try {
      return await this.run<R>(text, params)
    } finally {
      release()
    }
  }

  async connect(): Promise<PgPoolClient> {
    return new PgliteClient(this, this.#db)
  }

  end(): Promise<void> {
    this.#ending ??= this.#lastInLine.then(() => this.#db.close())
    return this.#ending
  }

  on(): this {
    return this // 'connect' and 'error' never happen in process
  }

  removeAllListeners(): this {
    return this
  }

  /** Resolves with the release function, when it is the caller's turn. */
  async lock(): Promise<() => void> {
    // BullMQ knows this error as what a query meets that comes after the end.
    if (this.#ending) throw new Error('Cannot use a pool after calling end on the pool')
    const turn = Promise.withResolvers<void>()
    const before = this.#lastInLine
    this.#lastInLine = turn.promise
    await before
    return turn.resolve
  }

  /** Runs one statement for the holder of the lock; without parameters, several. */
  async run<R>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> {
    // PGlite answers without leaving the microtask queue: without a turn here, a busy queue freezes the process.
    await nextTurn()
    this.#queries += 1
    if (this.#queries % queriesPerTidy === 0) void this.#tidy()
    const result = params ? await this.#db.query<R>(text, [...params]) : (await this.#db.exec(text)).at(-1)
    return { rows: (result?.rows ?? []) as R[], rowCount: result?.affectedRows ?? null }
  }

  async #tidy(): Promise<void> {
    for (const statement of ['VACUUM', 'CHECKPOINT']) await this.query(statement).catch(() => undefined)
  }
}

/** A client of the pool: LISTENs become subscriptions, and a transaction keeps the lock from BEGIN to its end. */
class PgliteClient extends EventEmitter implements PgPoolClient {
  readonly #pool: PglitePool
  readonly #db: PGlite
  readonly #unlisten: (() => Promise<void>)[] = []
  /** Set within a transaction. */
  #unlock: (() => void) | undefined

  constructor(pool: PglitePool, db: PGlite) {
    super()
    this.#pool = pool
    this.#db = db
  }

  async query<R>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> {
    const channel = /^LISTEN (\w+)/m.exec(text)?.[1]
    if (channel !== undefined) return this.#listen(channel)
    if (/^BEGIN\b/i.test(text)) this.#unlock = await this.#pool.lock()
    if (!this.#unlock) return this.#pool.query<R>(text, params)
    let open = !/^(BEGIN|COMMIT|ROLLBACK)\b/i.test(text)
    try {
      const result = await this.#pool.run<R>(text, params)
      open ||= /^BEGIN\b/i.test(text)
      return result
    } finally {
      if (!open) this.#giveBackLock()
    }
  }

  release(): void {
    if (this.#unlock) void this.query('ROLLBACK').catch(() => undefined)
    for (const unlisten of this.#unlisten.splice(0)) void unlisten().catch(() => undefined)
  }

  #giveBackLock(): void {
    this.#unlock?.()
    this.#unlock = undefined
  }

  async #listen<R>(channel: string): Promise<PgQueryResult<R>> {
    const release = await this.#pool.lock()
    try {
      this.#unlisten.push(await this.#db.listen(channel, (payload) => this.emit('notification', { channel, payload })))
    } finally {
      release()
    }
    return { rows: [] }
  }
}
