import { type Stats, statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { ForewarnError } from '#core/errors.ts'
import { parseInstant } from '#core/parse-instant.ts'

const defaultAnswerWithinMs = 5_000
const pauseMs = 10

/**
 * Reads a SQLite file that belongs to another program. Each question is a statement of its own, so that a lock is held for no
 * longer than that; while the other writes, it is asked again. A file that was replaced is opened anew.
 */
export class SqliteReader {
  readonly #file: string
  readonly #answerWithinMs: number
  #opened: { readonly db: Database.Database; readonly stats: Stats } | null = null
  #closed = false

  constructor(file: string, answerWithinMs: number = defaultAnswerWithinMs) {
    this.#file = file
    this.#answerWithinMs = answerWithinMs
  }

  /** Throws ForewarnError `portal-unusable`. */
  async all<Row>(sql: string, values: readonly unknown[]): Promise<Row[]> {
    const deadlineMs = performance.now() + this.#answerWithinMs
    for (;;) {
      try {
        return this.#database()
          .prepare<unknown[], Row>(sql)
          .all(...values)
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadlineMs) throw explained(error, this.#file)
        await pause(pauseMs * (0.5 + Math.random()))
      }
    }
  }

  /** May be called twice. */
  close(): void {
    this.#closed = true
    this.#drop()
  }

  #database(): Database.Database {
    if (this.#closed) throw unusable(this.#file, 'was closed', 'it is read no more: this process is ending')
    const stats = statSync(this.#file, { throwIfNoEntry: false })
    if (stats === undefined) {
      throw unusable(this.#file, 'does not exist', 'check the setting portal.url')
    }
    const { db, stats: before } = this.#opened ?? {}
    if (db !== undefined && before?.ino === stats.ino && before.dev === stats.dev) return db
    this.#drop()
    this.#opened = { db: openForReading(this.#file), stats }
    return this.#opened.db
  }

  #drop(): void {
    this.#opened?.db.close()
    this.#opened = null
  }
}

function openForReading(file: string): Database.Database {
  // The built-in wait for a lock would stop the event loop.
  const db = new Database(file, { readonly: true, fileMustExist: true, timeout: 0 })
  db.pragma('query_only = on')
  db.function('forewarn_instant', { deterministic: true }, (value: unknown) => {
    const parsed = typeof value === 'string' ? parseInstant(value) : null
    return parsed !== null && 'at' in parsed ? parsed.at : null
  })
  return db
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code)
}

/** SQLite's errors in words. */
function explained(error: unknown, file: string): ForewarnError {
  if (error instanceof ForewarnError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  const said = sentences.find(([codes]) => codes.test(code))
  return unusable(file, said?.[1] ?? `failed (${code})`, said?.[2] ?? 'check the disk, and the file', said?.[3])
}

function unusable(file: string, what: string, hint: string, path = 'portal.url'): ForewarnError {
  return new ForewarnError('portal-unusable', `the portal file:${file} ${what}`, { path, hint })
}

type Sentence = readonly [codes: RegExp, what: string, hint: string, path?: 'portal.relation']

const sentences: readonly Sentence[] = [
  [
    /^SQLITE_(BUSY|LOCKED)/,
    'is locked by a program that writes to it',
    'find out what writes for so long (fuser, lsof)',
  ],
  [
    /^(SQLITE_(CANTOPEN|READONLY|PERM|AUTH)|EACCES|EPERM)/,
    'may not be opened by this user',
    'it must be able to read the file; of one in WAL mode, the files -wal and -shm beside it as well: docs/portal.md',
  ],
  [/^SQLITE_NOTADB/, 'is not a SQLite database', 'check the setting portal.url'],
  [
    /^SQLITE_CORRUPT/,
    'is damaged',
    'it was perhaps copied while it was written to: copy it with VACUUM INTO or .backup',
  ],
  [/^SQLITE_ERROR/, 'does not know the relation or a column of it', 'see docs/portal.md', 'portal.relation'],
]
