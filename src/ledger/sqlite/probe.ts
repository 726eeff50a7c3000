import Database from 'better-sqlite3'

/**
 * What an existing file holds, found without changing it: opening it as a ledger would already turn another program's database
 * to another journal mode. Throws SQLite's own errors.
 */
export function probe(file: string): 'nothing' | 'ledger' | 'other' {
  const raw = new Database(file, { timeout: 0, fileMustExist: true })
  try {
    const tables = raw.prepare(`select name from sqlite_master where type = 'table'`).pluck().all()
    if (tables.length === 0) return 'nothing'
    return tables.includes('gate') && tables.includes('audit') ? 'ledger' : 'other'
  } finally {
    raw.close()
  }
}
