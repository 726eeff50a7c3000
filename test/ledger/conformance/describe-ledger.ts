import { afterEach, beforeEach, describe } from 'vitest'
import type { LedgerHarness, TestLedger } from '../harness.ts'

/** A suite in which each test has a new ledger, given by `current`. */
export function describeLedger(what: string, harness: LedgerHarness, suite: (current: () => TestLedger) => void): void {
  describe(`${what} on ${harness.name}`, () => {
    let test: TestLedger
    beforeEach(async () => {
      test = await harness.open()
    })
    afterEach(() => test.close())
    suite(() => test)
  })
}
