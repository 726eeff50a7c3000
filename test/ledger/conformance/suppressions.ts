import { expect, it } from 'vitest'
import { ops, seedPending } from '../fixtures.ts'
import type { LedgerHarness } from '../harness.ts'
import { describeSending, requestOf } from '../sending.ts'

const ann = 'ann@example.com'

export function suppressionsConformance(harness: LedgerHarness): void {
  describeSending('suppressions', harness, (current) => {
    it('silences a recipient for every process, without regard to case', async () => {
      const test = current()
      const other = await test.reopen()
      expect(await test.ledger.suppressions.add('Ann@example.com', ops)).toBe(true)
      const recipients = await other.ledger.recipients([ann, 'ANN@example.com', 'bob@example.com'])
      expect([...recipients]).toEqual([
        [ann, { key: test.ledger.recipientKey(ann), suppressed: true }],
        ['ANN@example.com', { key: test.ledger.recipientKey(ann), suppressed: true }],
        ['bob@example.com', { key: test.ledger.recipientKey('bob@example.com'), suppressed: false }],
      ])
      expect([...(await test.ledger.recipients([]))]).toEqual([])
    })

    it('changes nothing the second time, and says so', async () => {
      const { suppressions } = current().ledger
      await suppressions.add(ann, ops)
      expect(await suppressions.add('ANN@example.com', { actor: 'another', reason: 'another' })).toBe(false)
      expect(await suppressions.list(10)).toMatchObject([{ address: ann, ...ops }])
      expect(await suppressions.remove(ann, ops)).toBe(true)
      expect(await suppressions.remove(ann, ops)).toBe(false)
      expect(await suppressions.list(10)).toEqual([])
    })

    it('lists the newest first, with database time', async () => {
      const test = current()
      const { suppressions } = test.ledger
      const before = await test.ledger.databaseNow()
      await suppressions.add(ann, ops)
      test.shiftDatabaseTime(60_000)
      await suppressions.add('bob@example.com', ops)
      const listed = await suppressions.list(10)
      expect(listed.map(({ address }) => address)).toEqual(['bob@example.com', ann])
      expect(listed[1]?.since).toBeGreaterThanOrEqual(before)
      expect((listed[0]?.since ?? 0) - (listed[1]?.since ?? 0)).toBeGreaterThanOrEqual(60_000)
      expect(await suppressions.list(1)).toHaveLength(1)
    })

    it('leaves a trace in the audit, without the address', async () => {
      const { ledger } = current()
      await ledger.suppressions.add(ann, ops)
      await ledger.suppressions.add(ann, ops)
      await ledger.suppressions.remove(ann, ops)
      const key = ledger.recipientKey(ann)
      const [removed, added, ...earlier] = await ledger.audit.list(10)
      expect(added).toMatchObject({ ...ops, action: 'suppression.add', subject: key })
      expect(removed).toMatchObject({ ...ops, action: 'suppression.remove', subject: key })
      expect(earlier.filter(({ action }) => action.startsWith('suppression'))).toEqual([])
      expect(JSON.stringify([added, removed])).not.toContain('@')
      expect(await ledger.audit.verify()).toMatchObject({ intact: true })
    })

    it('refuses the claim of a message whose recipient was silenced after it was read', async () => {
      const { ledger } = current()
      const [silenced = '', other = ''] = await seedPending(ledger, 2)
      const requests = [await requestOf(ledger, silenced), await requestOf(ledger, other)] as const
      await ledger.suppressions.add('soft-pin-0@example.com', ops)
      expect(await ledger.outbox.claim(requests[0])).toEqual({ kind: 'refused', because: 'changed' })
      expect(await ledger.outbox.claim(requests[1])).toMatchObject({ kind: 'claimed' })
      expect(await ledger.reports.message(silenced)).toMatchObject({ state: 'pending' })
    })
  })
}
