import { expect, it } from 'vitest'
import type { LedgerHarness } from '../harness.ts'
import { describeLedger } from './describe-ledger.ts'

export function leasesConformance(harness: LedgerHarness): void {
  describeLedger('leases', harness, (current) => {
    it('has one holder at a time, over all processes', async () => {
      const test = current()
      const other = await test.reopen()
      expect(await test.ledger.leases.acquire('scan:soft-pin', 'a', 60_000)).toBe(true)
      expect(await other.ledger.leases.acquire('scan:soft-pin', 'b', 60_000)).toBe(false)
      expect(await other.ledger.leases.acquire('scan:other', 'b', 60_000)).toBe(true)
    })

    it('goes to one of many who ask at once', async () => {
      const test = current()
      const other = await test.reopen()
      const asked = Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? test : other).ledger.leases.acquire('scan', `holder-${n}`, 60_000),
      )
      expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(1)
    })

    it('ends in database time, and not before', async () => {
      const test = current()
      await test.ledger.leases.acquire('scan', 'a', 3_600_000)
      test.shiftDatabaseTime(3_500_000)
      expect(await test.ledger.leases.acquire('scan', 'b', 3_600_000)).toBe(false)
      test.shiftDatabaseTime(100_000)
      expect(await test.ledger.leases.acquire('scan', 'b', 3_600_000)).toBe(true)
      expect(await test.ledger.leases.acquire('scan', 'a', 3_600_000)).toBe(false)
    })

    it('is renewed by its holder', async () => {
      const test = current()
      await test.ledger.leases.acquire('scan', 'a', 3_600_000)
      test.shiftDatabaseTime(3_000_000)
      expect(await test.ledger.leases.acquire('scan', 'a', 3_600_000)).toBe(true)
      test.shiftDatabaseTime(3_000_000)
      expect(await test.ledger.leases.acquire('scan', 'b', 3_600_000)).toBe(false)
    })

    it('tells who has it now', async () => {
      const test = current()
      const { leases } = test.ledger
      expect(await leases.holder('scan')).toBeNull()
      await leases.acquire('scan', 'a', 3_600_000)
      await leases.acquire('scan', 'b', 3_600_000)
      expect(await leases.holder('scan')).toBe('a')
      expect(await leases.holder('other')).toBeNull()
      test.shiftDatabaseTime(3_600_000)
      expect(await leases.holder('scan')).toBeNull()
      await leases.acquire('scan', 'b', 3_600_000)
      await leases.release('scan', 'b')
      expect(await leases.holder('scan')).toBeNull()
    })

    it('is given back by its holder alone', async () => {
      const { leases } = current().ledger
      await leases.acquire('scan', 'a', 60_000)
      await leases.release('scan', 'b')
      expect(await leases.acquire('scan', 'b', 60_000)).toBe(false)
      await leases.release('scan', 'a')
      expect(await leases.acquire('scan', 'b', 60_000)).toBe(true)
    })
  })
}
