import { type Stats, statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import { ForewarnError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import { CommitAnswerLost } from '../commit-answer-lost.ts'

export interface ConnectionOptions {
  readonly file: string
  /** Added to database time, so that tests can let leases end; 0 in service. */
  readonly shiftMs?: () => number
  /** Called after each commit; what it throws is taken as a lost commit answer. For tests. */
  readonly afterCommit?: () => void
  /** Called when the disk is too full for a stop; true when it made room, so that the stop can be tried again. */
  readonly makeRoom?: () => boolean
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
  readonly #openedFile: Stats
  #queue: Work[] = []
  #flushing: Promise<void> | null = null

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#raw = new Database(options.file, { timeout: 0 })
    try {
      this.#raw.pragma('journal_mode = WAL')
      this.#raw.pragma('synchronous = FULL')
      this.#raw.pragma('foreign_keys = ON')
      this.#openedFile = statSync(options.file)
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
        this.#refuseLostFile()
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
      const failure = explained(error, this.#options.file)
      for (const work of this.#queue.splice(0)) this.#fail(work, failure)
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
        this.#refuseLostFile()
        this.#raw.exec('COMMIT')
        this.#options.afterCommit?.()
      } catch (error) {
        // Still inside, or not written whole: surely not committed. Else perhaps it was.
        const inside = this.#raw.inTransaction
        if (inside) this.#raw.exec('ROLLBACK')
        const surelyNot = inside || isCode(error, /^SQLITE_(FULL|IOERR_WRITE)$/)
        failure = surelyNot ? explained(error, this.#options.file) : new CommitAnswerLost(error)
      }
    } else {
      failure = batch.at(-1)?.error
    }
    for (const { work, value, error } of batch) {
      if (error !== undefined || failure !== null) this.#fail(work, error ?? failure)
      else work.resolve(value)
    }
  }

  /** A stop that the disk has no room for is tried again as soon as there is some. */
  #fail(work: Work, failure: unknown): void {
    const isStop = work.pauseMs === 0
    if (isStop && lacksRoom(failure) && this.#options.makeRoom?.()) this.#queue.unshift(work)
    else work.reject(failure)
  }

  /**
   * Throws when the file was deleted or replaced since it was opened. SQLite goes on with the old one: a stop in the new one
   * would say that nothing is sent, and claims in the old one would never hear of it.
   */
  #refuseLostFile(): void {
    const { file } = this.#options
    const found = statsOf(file)
    if (found?.ino === this.#openedFile.ino && found.dev === this.#openedFile.dev) return
    const fate = found === null ? 'was deleted or moved away' : 'was replaced by another file'
    throw new ForewarnError('ledger-unusable', `the ledger ${file} ${fate} while it was in use`, {
      hint:
        'nothing is written to it any more: end every forewarn process, put the right file in its place, with the -wal and -shm ' +
        'files that belong to it and no others, and start again',
    })
  }

  #giveUpLate(): void {
    const now = performance.now()
    const late = this.#queue.filter((work) => work.deadlineMs <= now)
    this.#queue = this.#queue.filter((work) => work.deadlineMs > now)
    const locked = new Database.SqliteError('database is locked', 'SQLITE_BUSY')
    for (const work of late) work.reject(explained(locked, this.#options.file))
  }
}

/** null: there is nothing that could be reached. */
function statsOf(file: string): Stats | null {
  try {
    return statSync(file)
  } catch {
    return null
  }
}

/** Another process has the file locked; it can be tried again. */
export function isBusy(error: unknown): boolean {
  return isCode(error, /^SQLITE_(BUSY|LOCKED)/)
}

/** The disk has no room for what was to be written. */
export function lacksRoom(error: unknown): boolean {
  return isCode(error, /^SQLITE_(FULL|IOERR_WRITE|IOERR_SHMSIZE)$/)
}

function isCode(error: unknown, pattern: RegExp): boolean {
  return pattern.test(faultOf(error)?.code ?? '')
}

/** SQLite's own error, also where drizzle has put the query around it, or we a sentence. */
function faultOf(error: unknown): InstanceType<typeof Database.SqliteError> | null {
  if (error instanceof Database.SqliteError) return error
  return error instanceof Error ? faultOf(error.cause) : null
}

function jittered(ms: number): number {
  return ms * (0.5 + Math.random())
}

/** SQLite's own errors in words; all others as they are. */
export function explained(error: unknown, file: string): unknown {
  const fault = error instanceof ForewarnError ? null : faultOf(error)
  if (fault === null) return error
  const said = sentences.find(([pattern]) => pattern.test(`${fault.code}: ${fault.message}`))
  return new ForewarnError(
    'ledger-unusable',
    `the ledger ${file} ${said?.[1] ?? 'failed'}${said?.[2] ? '' : ` (${fault.code}: ${fault.message})`}`,
    { hint: said?.[2] ?? 'check the disk, and its free space; nothing was half written', cause: error },
  )
}

/** For a file that exists, and may not be used. */
export const ownerHint =
  'run this as the user that the service runs as (`ls -l` shows whose file it is); that user must be able to write to the file and its folder'

const sentences: readonly (readonly [pattern: RegExp, what: string, hint?: string])[] = [
  [
    /^SQLITE_(BUSY|LOCKED)/,
    'is locked by another program',
    'find the program that has it open (fuser, lsof) and end it',
  ],
  [
    /^SQLITE_(FULL|IOERR_SHMSIZE)/,
    'could not be written: the disk is full',
    'free some space and try again; nothing was half written',
  ],
  [/^SQLITE_READONLY/, 'is read-only', ownerHint],
  [
    /^SQLITE_CANTOPEN/,
    'could not be opened',
    'check that this user may write to the file and its folder, and that the disk is not full',
  ],
  [/^SQLITE_NOTADB/, 'is not a SQLite database', 'check the setting `database`'],
  [
    /^SQLITE_CORRUPT/,
    'is damaged',
    'end every forewarn process, keep a copy of the file, and restore a backup; the old -wal and -shm files do not belong to the backup',
  ],
  [/^SQLITE_IOERR/, 'could not be read or written'],
  [
    /no such (table|column)/,
    'was written by another version of forewarn',
    'bring an older one up to date with `forewarn migrate`; a newer one needs the newer version',
  ],
]
