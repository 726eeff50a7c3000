import { setTimeout as pause } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import { ForewarnError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'

/** The commit may have happened or not: its answer did not arrive. */
export class CommitAnswerLost extends Error {
  constructor(cause: unknown) {
    super('the answer to a commit was lost', { cause })
    this.name = 'CommitAnswerLost'
  }
}

export interface ConnectionOptions {
  readonly file: string
  /** Added to database time, so that tests can let leases end; 0 in service. */
  readonly shiftMs?: () => number
  /** Called after each commit; what it throws is taken as a lost commit answer. For tests. */
  readonly afterCommit?: () => void
}

/** How a write waits for a ledger that another process has locked. */
export interface Patience {
  readonly forMs: number
  /** Between two tries; 0: without pause. */
  readonly pauseMs: number
}

/** One write transaction does not go on taking up more work after this long: a stop must never wait behind it. */
const batchMs = 40
/** Between two commits of one process, so that others get their turn. */
const restMs = 5

export const patient: Patience = { forMs: 10_000, pauseMs: 5 }
/** For the stop: no pause, half a minute. */
export const insistent: Patience = { forMs: 30_000, pauseMs: 0 }

interface Work {
  run(): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
  readonly deadlineMs: number
  readonly pauseMs: number
}

interface Ended {
  readonly work: Work
  readonly value?: unknown
  readonly error?: unknown
}

/**
 * One SQLite ledger file, opened by this process. Writes that arrive while a commit runs share the next one; each is
 * whole or not at all, and one that throws does not touch the others. Nothing here blocks on another process's lock:
 * the built-in busy handler would stop the event loop.
 */
export class Connection {
  readonly db: BetterSQLite3Database
  readonly #raw: Database.Database
  readonly #options: ConnectionOptions
  #queue: Work[] = []
  #flushing: Promise<void> | null = null

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#raw = new Database(options.file, { timeout: 0 })
    try {
      this.#raw.pragma('journal_mode = WAL')
      this.#raw.pragma('synchronous = FULL')
      this.#raw.pragma('foreign_keys = ON')
    } catch (error) {
      this.#raw.close()
      throw error
    }
    this.db = drizzle(this.#raw)
  }

  /** The database's own time. */
  now(): Instant {
    return Date.now() + (this.#options.shiftMs?.() ?? 0)
  }

  /** Runs a synchronous piece of work in a transaction that is durable when this resolves. Throws CommitAnswerLost, or what the work throws. */
  write<T>(work: () => T, patience: Patience = patient): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({
        run: work,
        resolve: resolve as (value: unknown) => void,
        reject,
        deadlineMs: performance.now() + patience.forMs,
        pauseMs: patience.pauseMs,
      })
      if (this.#flushing === null) this.#flushing = this.#flush()
    })
  }

  /** Runs a synchronous piece of work that only reads, on one consistent state. */
  async read<T>(work: () => T): Promise<T> {
    const deadlineMs = performance.now() + patient.forMs
    for (;;) {
      try {
        return this.#raw.transaction(work).deferred()
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadlineMs) throw explained(error, this.#options.file)
        await pause(jittered(patient.pauseMs))
      }
    }
  }

  close(): void {
    this.#raw.close()
  }

  get open(): boolean {
    return this.#raw.open
  }

  async #flush(): Promise<void> {
    // Whatever else arrives in this turn of the event loop shares the first commit.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      if (this.#begin()) {
        this.#commit(this.#runBatch())
        await pause(restMs)
      } else {
        this.#giveUpLate()
        const insists = this.#queue.some((work) => work.pauseMs === 0)
        if (this.#queue.length > 0) await pause(insists ? 0 : jittered(patient.pauseMs))
      }
    }
    this.#flushing = null
  }

  /** False while another process has the write lock. */
  #begin(): boolean {
    try {
      this.#raw.exec('BEGIN IMMEDIATE')
      return true
    } catch (error) {
      if (isBusy(error)) return false
      for (const work of this.#queue.splice(0)) work.reject(explained(error, this.#options.file))
      return false
    }
  }

  /** Runs what is queued inside the open transaction, each in a savepoint of its own, for at most `batchMs`. */
  #runBatch(): Ended[] {
    const batch: Ended[] = []
    const endMs = performance.now() + batchMs
    do {
      const work = this.#queue.shift()
      if (work === undefined) break
      try {
        this.#raw.exec('SAVEPOINT work')
        const value = work.run()
        this.#raw.exec('RELEASE work')
        batch.push({ work, value })
      } catch (error) {
        batch.push({ work, error: explained(error, this.#options.file) })
        // An error such as a full disk may have ended the whole transaction, savepoint and all.
        if (!this.#raw.inTransaction) break
        this.#raw.exec('ROLLBACK TO work; RELEASE work')
      }
    } while (performance.now() < endMs)
    return batch
  }

  #commit(batch: readonly Ended[]): void {
    let failure: unknown = null
    if (this.#raw.inTransaction) {
      try {
        this.#raw.exec('COMMIT')
        this.#options.afterCommit?.()
      } catch (error) {
        // Still inside: surely not committed. Outside: perhaps it was.
        const inside = this.#raw.inTransaction
        if (inside) this.#raw.exec('ROLLBACK')
        failure = inside ? explained(error, this.#options.file) : new CommitAnswerLost(error)
      }
    } else {
      failure = batch.at(-1)?.error
    }
    for (const { work, value, error } of batch) {
      if (error !== undefined || failure !== null) work.reject(error ?? failure)
      else work.resolve(value)
    }
  }

  #giveUpLate(): void {
    const now = performance.now()
    const late = this.#queue.filter((work) => work.deadlineMs <= now)
    this.#queue = this.#queue.filter((work) => work.deadlineMs > now)
    const locked = new Database.SqliteError('database is locked', 'SQLITE_BUSY')
    for (const work of late) work.reject(explained(locked, this.#options.file))
  }
}

/** Another process has the file locked; it can be tried again. */
export function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code)
}

function jittered(ms: number): number {
  return ms * (0.5 + Math.random())
}

/** SQLite's own errors in words; all others as they are. */
export function explained(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error
  const said = sentences.find(([code]) => error.code.startsWith(code))
  return new ForewarnError('ledger-unusable', `the ledger ${file} ${said?.[1] ?? `failed: ${error.message}`}`, {
    hint: said?.[2] ?? 'nothing was half written; look at the cause with --log-level debug',
    cause: error,
  })
}

const sentences: readonly (readonly [code: string, what: string, hint: string])[] = [
  [
    'SQLITE_BUSY',
    'is locked by another program',
    'find the program that has it open (fuser, lsof), or wait until it ends',
  ],
  ['SQLITE_FULL', 'could not be written: the disk is full', 'free some space; nothing was half written'],
  ['SQLITE_READONLY', 'is read-only', 'check the permissions of the file and its folder'],
  ['SQLITE_CANTOPEN', 'could not be opened', 'check that the folder exists and may be written to'],
  ['SQLITE_NOTADB', 'is not a SQLite database', 'check the setting `database`'],
  ['SQLITE_CORRUPT', 'is damaged', 'restore it from a backup'],
  ['SQLITE_IOERR', 'could not be read or written', 'check the disk'],
]
