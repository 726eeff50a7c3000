import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { type OpenOptions, openLedger } from '#ledger/open.ts'
import type { Handle, LedgerHarness } from './harness.ts'

/** Ledgers in SQLite files, each in a folder of its own. */
export const sqliteHarness: LedgerHarness = {
  name: 'SQLite',
  async open({ clocks } = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'forewarn-ledger-'))
    const file = join(folder, 'ledger.db')
    const handles: Handle[] = []
    let shiftMs = 0
    let lose = false

    async function reopen(mode: OpenOptions['mode'] = 'migrate'): Promise<Handle> {
      const handle = await openLedger(`file:${file}`, {
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

    return {
      ...(await reopen()),
      reopen,
      shiftDatabaseTime(ms) {
        shiftMs += ms
      },
      loseNextCommitAnswer() {
        lose = true
      },
      async tamper(sql) {
        withRaw(file, (raw) => raw.exec(sql))
      },
      look: async (sql) => withRaw(file, (raw) => raw.prepare(sql).all() as Record<string, unknown>[]),
      async close() {
        for (const { ledger } of handles) await ledger.close()
        await rm(folder, { recursive: true })
      },
    }
  },
}

function withRaw<T>(file: string, use: (raw: Database.Database) => T): T {
  const raw = new Database(file)
  try {
    return use(raw)
  } finally {
    raw.close()
  }
}
