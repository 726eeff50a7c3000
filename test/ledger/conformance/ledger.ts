import { expect, it } from 'vitest'
import type { LedgerHarness } from '../harness.ts'
import { describeLedger } from './describe-ledger.ts'

export function ledgerConformance(harness: LedgerHarness): void {
  describeLedger('a ledger', harness, (current) => {
    it('names a recipient alike in every process, without regard to case, and without the address', async () => {
      const test = current()
      const other = await test.reopen()
      const key = test.ledger.recipientKey('Ann@Example.com')
      expect(key).toMatch(/^[0-9a-f]{32}$/)
      expect(other.ledger.recipientKey('ann@example.COM')).toBe(key)
      expect(test.ledger.recipientKey('bob@example.com')).not.toBe(key)
    })

    it('names a recipient otherwise than another ledger does', async () => {
      const another = await harness.open()
      const key = another.ledger.recipientKey('ann@example.com')
      await another.close()
      expect(current().ledger.recipientKey('ann@example.com')).not.toBe(key)
    })

    it('has a clock of its own', async () => {
      const test = current()
      const before = await test.ledger.databaseNow()
      test.shiftDatabaseTime(3_600_000)
      expect((await test.ledger.databaseNow()) - before).toBeGreaterThanOrEqual(3_600_000)
    })

    it('is the same ledger when opened again', async () => {
      const test = current()
      const gate = await test.ledger.gates.close('*', { actor: 'ops', reason: 'a stop stays' })
      await test.ledger.close()
      const again = await test.reopen()
      expect(again.ledger.address).toBe(test.ledger.address)
      expect(await again.ledger.gates.read('*')).toEqual(gate.gate)
      expect(await again.ledger.audit.list(10)).toHaveLength(2)
    })

    it('may be closed twice', async () => {
      const { ledger } = current()
      await ledger.close()
      await ledger.close()
    })
  })
}
