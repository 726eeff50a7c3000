import { accessSync, constants, existsSync, statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { ForewarnError } from '#core/errors.ts'
import { ownerHint } from './connection.ts'

/**
 * Whether there is a file to open; false: there is nothing yet. Throws ForewarnError `ledger-unusable` for what is no file or
 * may not be used by this user: SQLite would say of all these that it is "unable to open".
 */
export function isThere(file: string): boolean {
  try {
    const stats = statSync(file)
    if (!stats.isFile()) throw unusable(file, stats.isDirectory() ? 'is a folder, not a file' : 'is not a regular file')
    accessSync(file, constants.R_OK)
    // Whoever reads without being allowed to write would leave files beside it that lock out those who may.
    if (!existsSync(`${file}-wal`)) accessSync(file, constants.W_OK)
    return true
  } catch (error) {
    if (error instanceof ForewarnError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (code === 'ENOENT') return false
    throw unusable(file, sentences[code] ?? `cannot be reached (${code})`, error)
  }
}

/**
 * What an existing file holds, found without changing it: opening it as a ledger would already turn another program's database
 * to another journal mode. Throws SQLite's own errors.
 */
export function probe(file: string): 'nothing' | 'ledger' | 'other' {
  const raw = new Database(file, { timeout: 0, fileMustExist: true })
  try {
    const tables = raw.prepare(`select name from sqlite_master where type = 'table'`).pluck().all()
    if (tables.length === 0) return 'nothing'
    const isOurs = Object.entries(marks).every(([table, column]) => columnsOf(raw, table).includes(column))
    return isOurs ? 'ledger' : 'other'
  } finally {
    raw.close()
  }
}

/** By these columns, which are there since the first migration, a ledger is known. */
const marks = { gate: 'claim_protocol', attempt: 'lease_ends_database_at', audit: 'previous_hash' }

function columnsOf(raw: Database.Database, table: string): unknown[] {
  return raw.prepare('select name from pragma_table_info(?)').pluck().all(table)
}

const sentences: Readonly<Record<string, string>> = {
  EACCES: 'may not be read and written by this user',
  EPERM: 'may not be read and written by this user',
  EROFS: 'is on a disk that may only be read',
  ENOTDIR: 'cannot be reached: something above it is no folder',
  ELOOP: 'is a link that leads nowhere',
  ENAMETOOLONG: 'has a name that is too long',
}

function unusable(file: string, fault: string, cause?: unknown): ForewarnError {
  const hint = fault.includes('this user') ? ownerHint : 'check the setting `database`'
  return new ForewarnError('ledger-unusable', `the ledger ${file} ${fault}`, { hint, cause })
}
