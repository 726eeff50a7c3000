import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { Pool, type PoolClient } from 'pg'
import type { Instant } from '#core/instant.ts'
import { CommitAnswerLost } from '../commit-answer-lost.ts'
import type { PostgresAddress } from './address.ts'
import { explained, isAnswer, isReadOnly, mayPass } from './failure.ts'

export type Database = NodePgDatabase

export interface ConnectionOptions {
  readonly address: PostgresAddress
  /** Longer than any statement may take: the server has gone without saying so. */
  readonly answerWithinMs?: number
  /** Added to database time, so that tests can let leases end; 0 in service. */
  readonly shiftMs?: () => number
  /** Called after each commit; what it throws is taken as a lost commit answer. For tests. */
  readonly afterCommit?: () => void
}

/** How long work is tried again that was not committed: connections break, servers restart, transactions collide. */
export interface Patience {
  readonly forMs: number
  readonly pauseMs: number
  /** True: also when it may have been committed, since done twice it is done once. */
  readonly repeatable?: boolean
}

export const patient: Patience = { forMs: 10_000, pauseMs: 100 }
/** For the stop: hardly a pause, half a minute. */
export const insistent: Patience = { forMs: 30_000, pauseMs: 20, repeatable: true }

/** How a transaction begins. */
export interface Beginning {
  /** Taken before the transaction sees anything: a statement of its own, so that the next one's snapshot comes after it. */
  readonly lock?: { readonly name: string; readonly shared: boolean }
  /** No statement takes longer, nor does the transaction stand idle for longer: one that is stuck must not keep its locks. */
  readonly limitMs: number
}

const ordinary: Beginning = { limitMs: 10_000 }

/** Connections of one process: claims and settlements share one, the others are for what is read and planned meanwhile. */
const poolSize = 5
const connectWithinMs = 5_000
const defaultAnswerWithinMs = 15_000

/** Advisory locks are named by two numbers; the first is the same for all of ours. */
const lockClass = 0x666f7265

/** One ledger on a PostgreSQL server, through a pool of connections of this process. Every transaction is READ COMMITTED. */
export class Connection {
  /** To be shown. */
  readonly address: string
  readonly schema: string
  readonly #pool: Pool
  readonly #options: ConnectionOptions
  #open = true

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.address = options.address.shown
    this.schema = options.address.schema
    this.#pool = new Pool({
      connectionString: options.address.connectionString,
      max: poolSize,
      connectionTimeoutMillis: connectWithinMs,
      query_timeout: options.answerWithinMs ?? defaultAnswerWithinMs,
      keepAlive: true,
      onConnect: makeDurable,
    })
    // A connection that breaks while nobody uses it is replaced when one is needed.
    this.#pool.on('error', () => undefined)
  }

  /** Statements that only read, each on a state of its own. Throws ForewarnError. */
  read<T>(work: (db: Database) => Promise<T>): Promise<T> {
    return this.insist(patient, () => this.look(work))
  }

  /** As `read`, once, with errors as the driver gives them. */
  look<T>(work: (db: Database) => Promise<T>): Promise<T> {
    return this.#withClient((client) => work(databaseOf(client)))
  }

  /** Statements that only read, all on one state. Throws ForewarnError. */
  snapshot<T>(work: (db: Database) => Promise<T>): Promise<T> {
    return this.read(async (db) => {
      await db.execute(sql.raw('begin isolation level repeatable read, read only'))
      const value = await work(db)
      await db.execute(sql.raw('commit'))
      return value
    })
  }

  /**
   * Runs work in a transaction that is durable when this resolves. Throws CommitAnswerLost, another ForewarnError, or what the work
   * throws. The work may run several times: each time on what was there before.
   */
  write<T>(work: (db: Database) => Promise<T>, beginning: Beginning = ordinary): Promise<T> {
    return this.insist(patient, () => this.transact(work, beginning))
  }

  /** As `write`, once, with errors as the driver gives them; CommitAnswerLost as there. */
  transact<T>(work: (db: Database) => Promise<T>, beginning: Beginning = ordinary): Promise<T> {
    return this.#withClient(async (client) => {
      await client.query(this.#beginning(beginning))
      const value = await work(databaseOf(client))
      await this.#commit(client)
      return value
    })
  }

  /** Tries again what failed in passing, and puts the last error into words. */
  async insist<T>(patience: Patience, attempt: () => Promise<T>): Promise<T> {
    const deadlineMs = performance.now() + patience.forMs
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        const again = mayPass(error) || (patience.repeatable && error instanceof CommitAnswerLost)
        if (!this.#open || !again || performance.now() > deadlineMs) throw explained(error, this.address)
        await pause(patience.pauseMs * (0.5 + Math.random()))
      }
    }
  }

  /** The database's own time. */
  async now(db: Database): Promise<Instant> {
    const { rows } = await db.execute<{ now: string }>(
      sql`select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now`,
    )
    return Number(rows[0]?.now) + (this.#options.shiftMs?.() ?? 0)
  }

  /** May be called twice. */
  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.#pool.end()
  }

  async #withClient<T>(use: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect()
    // One that breaks while it waits for its next statement must not end the process: the next statement tells.
    const ignore = () => undefined
    client.on('error', ignore)
    let sound = false
    try {
      const value = await use(client)
      sound = true
      return value
    } catch (error) {
      sound = await rolledBack(client, error)
      throw error
    } finally {
      client.off('error', ignore)
      client.release(!sound)
    }
  }

  #beginning({ lock, limitMs }: Beginning): string {
    const take = lock?.shared ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock'
    return [
      'begin isolation level read committed, read write',
      `set local statement_timeout = ${limitMs}`,
      `set local idle_in_transaction_session_timeout = ${limitMs}`,
      ...(lock === undefined ? [] : [`select ${take}(${lockClass}, ${this.#lockNumber(lock.name)})`]),
    ].join('; ')
  }

  /** Each ledger has locks of its own, also beside another in the same database. */
  #lockNumber(name: string): number {
    return createHash('sha256').update(`${this.schema}\n${name}`).digest().readInt32BE()
  }

  async #commit(client: PoolClient): Promise<void> {
    let answer: { command: string }
    try {
      answer = await client.query('commit')
      this.#options.afterCommit?.()
    } catch (error) {
      // Answered, and still there to roll back: surely not committed. Otherwise perhaps it was.
      if (isAnswer(error) && (await rolledBack(client, error))) throw error
      throw new CommitAnswerLost(error)
    }
    if (answer.command !== 'COMMIT') throw new Error(`the commit ended in ${answer.command}`)
  }
}

/** The lock that claims share, and that a change of a gate has for itself. */
export const gatesLock = 'gates'

const databases = new WeakMap<PoolClient, Database>()

function databaseOf(client: PoolClient): Database {
  const known = databases.get(client)
  if (known !== undefined) return known
  const database = drizzle(client)
  databases.set(client, database)
  return database
}

/** What a commit has said is on disk: a claim that a crash could take back would let a mail go out twice. */
async function makeDurable(client: { query(text: string): Promise<unknown> }): Promise<void> {
  await client.query(
    `select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`,
  )
}

/** True when the server has taken the transaction back, and the connection can be used on. */
async function rolledBack(client: PoolClient, error: unknown): Promise<boolean> {
  const silent = error instanceof CommitAnswerLost || (mayPass(error) && !isAnswer(error))
  // After a fail-over, the next connection may lead to the new primary.
  if (silent || isReadOnly(error)) return false
  try {
    await client.query('rollback')
    return true
  } catch {
    return false
  }
}
