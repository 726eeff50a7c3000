import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, it } from 'vitest'
import { openLedger } from '#ledger/open.ts'
import { prepareAssembly } from '#ledger/sqlite/assembly.ts'
import { Connection } from '#ledger/sqlite/connection.ts'
import { newFolder } from './folder.ts'

// SQLite prefers an index over the campaign to one over the recipient where it has no statistics: a page then takes minutes.
it('finds the rows of an assembly by id, recipient or message, never by reading a campaign', async () => {
  const file = join(await newFolder(), 'ledger.db')
  const { ledger } = await openLedger(`file:${file}`, { mode: 'migrate' })
  await ledger.close()
  const connection = new Connection({ file })
  const raw = new Database(file)

  const plans = Object.values(prepareAssembly(connection)).map((statement) => {
    const { sql, params } = statement.getQuery()
    const steps = raw.prepare(`explain query plan ${sql}`).all(params.map(() => null)) as { detail: string }[]
    return steps.map((step) => step.detail).filter((detail) => /^(SCAN|SEARCH)/.test(detail))
  })
  raw.close()
  connection.close()

  const steps = plans.flat()
  expect(steps.length).toBeGreaterThanOrEqual(8)
  expect(
    steps.filter((step) => !/^SEARCH \w+ USING (COVERING )?INDEX \w+ \((id|recipient_key|message_id)=\?\)$/.test(step)),
  ).toEqual([])
})
