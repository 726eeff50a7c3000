import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { expect, it } from 'vitest'
import { openLedger } from '#ledger/open.ts'
import { prepareSendable } from '#ledger/sqlite/sendable.ts'

it('finds what may be sent by its index alone, without sorting or reading all messages', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'forewarn-sendable-'))
  const file = join(folder, 'ledger.db')
  const { ledger } = await openLedger(`file:${file}`, { mode: 'migrate' })
  await ledger.close()
  const raw = new Database(file)
  const { due, nextPriority } = prepareSendable(drizzle(raw))
  for (const statement of [due, nextPriority]) {
    const { sql, params } = statement.getQuery()
    const plan = raw.prepare(`explain query plan ${sql}`).all(params.map(() => null)) as { detail: string }[]
    const steps = plan.map((step) => step.detail).join('\n')
    expect(steps).toMatch(/SEARCH message USING (COVERING )?INDEX message_sendable/)
    expect(steps).not.toMatch(/SCAN message|USE TEMP B-TREE FOR ORDER BY/)
  }
  raw.close()
  await rm(folder, { recursive: true })
})
