import { randomUUID } from 'node:crypto'
import { Pool, types } from 'pg'
import { afterAll } from 'vitest'
import { type OpenOptions, openLedger } from '#ledger/open.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import type { Handle, LedgerHarness } from './harness.ts'

/**
 * Ledgers on PostgreSQL, each in a schema of its own: on the server at TEST_POSTGRES_URL, or on one that is started for this
 * file of tests and stopped after it.
 */
export function postgresHarness(): LedgerHarness {
  const given = process.env.TEST_POSTGRES_URL
  let own: Promise<PostgresServer> | null = null
  afterAll(async () => (await own)?.stop())
  return {
    name: 'PostgreSQL',
    async open({ clocks } = {}) {
      own ??= given === undefined ? startPostgres() : null
      return openOn(given ?? (await own)?.url ?? '', clocks)
    },
  }
}

/** A new ledger on a server. */
export async function openOn(url: string, clocks?: OpenOptions['clocks']): ReturnType<LedgerHarness['open']> {
  const schema = `forewarn_test_${randomUUID().replaceAll('-', '')}`
  const handles: Handle[] = []
  let shiftMs = 0
  let lose = false

  const address = new URL(url)
  address.searchParams.set('search_path', schema)
  async function reopen(mode: OpenOptions['mode'] = 'migrate'): Promise<Handle> {
    const handle = await openLedger(address.href, {
      mode,
      ...(clocks === undefined ? {} : { clocks }),
      shiftMs: () => shiftMs,
      afterCommit() {
        if (!lose) return
        lose = false
        throw new Error('the connection broke after the commit')
      },
    })
    handles.push(handle)
    return handle
  }

  const raw = new Pool({
    connectionString: url,
    max: 1,
    options: `-c search_path=${schema}`,
    types: { getTypeParser: parserOf },
  })
  // A session that a test's crash has ended is replaced by the next.
  raw.on('error', () => undefined)
  const first = await reopen()
  return {
    ...first,
    reopen,
    shiftDatabaseTime(ms) {
      shiftMs += ms
    },
    loseNextCommitAnswer() {
      lose = true
    },
    async tamper(sql) {
      await raw.query(sql)
    },
    look: async (sql) => (await raw.query<Record<string, unknown>>(sql)).rows,
    async close() {
      for (const { ledger } of handles) await ledger.close()
      await raw.query(`drop schema ${schema} cascade`)
      await raw.end()
    },
  }
}

/** Whole numbers of 64 bits as numbers, as the ledger and SQLite give them. */
function parserOf(id: number, format?: 'text' | 'binary'): (text: string) => unknown {
  return id === types.builtins.INT8 ? Number : types.getTypeParser(id, format)
}
