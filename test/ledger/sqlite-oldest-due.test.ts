import { join } from 'node:path'
import Database from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { expect, it } from 'vitest'
import { openLedger } from '#ledger/open.ts'
import { prepareOldestDue } from '#ledger/sqlite/oldest-due.ts'
import { newFolder } from './folder.ts'

it('finds the message that is first in line by indexes, without sorting or reading all messages', async () => {
  const file = join(await newFolder(), 'ledger.db')
  const { ledger } = await openLedger(`file:${file}`, { mode: 'migrate' })
  await ledger.close()
  const raw = new Database(file)
  const { campaigns, oldest, nextPriority } = prepareOldestDue(drizzle(raw))
  const expectations = [
    [campaigns, /SEARCH message (EXISTS )?USING COVERING INDEX message_by_campaign_state \(campaign=\? AND state=\?\)/],
    [nextPriority, /^SEARCH message USING COVERING INDEX message_sendable \(priority/],
    [oldest, /^SEARCH message USING INDEX message_sendable \(priority=\? AND not_before<\?\)$/],
  ] as const
  for (const [statement, way] of expectations) {
    const { sql, params } = statement.getQuery()
    const plan = raw.prepare(`explain query plan ${sql}`).all(params.map(() => null)) as { detail: string }[]
    const steps = plan.map((step) => step.detail).join('\n')
    expect(steps).toMatch(way)
    expect(steps).not.toContain('TEMP B-TREE')
  }
  raw.close()
})
