import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLedger } from '#ledger/open.ts'
import { startChild } from './child.ts'
import { ops } from './fixtures.ts'
import { newFolder } from './folder.ts'
import { sqliteHarness } from './sqlite-harness.ts'

describe('processes that share a SQLite ledger', () => {
  it('create and migrate it at the same time, and all have the same one', async () => {
    const folder = await newFolder()
    const children = await Promise.all([1, 2, 3].map(() => startChild('open-at-once.ts')))
    for (let round = 1; round <= 5; round += 1) {
      const file = join(folder, `${round}.db`)
      for (const child of children) child.say(`file:${file}`)
      const answers = await Promise.all(children.map((child) => child.hear()))
      expect(new Set(answers).size).toBe(1)
      expect(answers[0]).toMatch(/^on [0-9a-f]{32}$/)

      const { ledger } = await openLedger(`file:${file}`, { mode: 'migrate' })
      expect((await ledger.audit.list(10)).map((entry) => entry.action)).toEqual(['ledger.create'])
      await ledger.close()
    }
  })

  it('can be stopped while one of them commits without pause', async () => {
    const test = await sqliteHarness.open()
    try {
      await startChild('commit-without-pause.ts', test.ledger.address.slice('file:'.length))
      const beganMs = performance.now()
      expect(await test.ledger.gates.close('*', ops)).toMatchObject({ changed: true })
      // Half of the time that a stop takes before it gives up; usually it is milliseconds.
      expect(performance.now() - beganMs).toBeLessThan(15_000)
    } finally {
      await test.close()
    }
  })
})
