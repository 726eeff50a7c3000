import { expect, it } from 'vitest'
import { ops } from '../fixtures.ts'
import type { LedgerHarness, TestLedger } from '../harness.ts'
import { describeLedger } from './describe-ledger.ts'

export function auditConformance(harness: LedgerHarness): void {
  describeLedger('audit', harness, (current) => {
    /** A trail of seven entries: the ledger's creation, then `e2` to `e7`. */
    async function trail(): Promise<TestLedger> {
      const test = current()
      for (let n = 2; n <= 7; n += 1) {
        const after = n % 2 === 0 ? { n } : undefined
        await test.ledger.audit.append({ by: ops, action: 'test', subject: `e${n}`, before: { n: n - 1 }, after })
      }
      return test
    }

    it('begins with the creation of the ledger', async () => {
      const { audit } = current().ledger
      expect(await audit.list(10)).toMatchObject([{ seq: 1, action: 'ledger.create' }])
      expect(await audit.verify()).toEqual({ entries: 1, intact: true, firstBroken: null })
    })

    it('keeps who, what, why, before and after, in database time, newest first', async () => {
      const { ledger } = await trail()
      const [newest, next] = await ledger.audit.list(2)
      expect(newest).toMatchObject({
        seq: 7,
        actor: 'ops',
        reason: 'a test',
        action: 'test',
        subject: 'e7',
        after: null,
      })
      expect(next).toMatchObject({ seq: 6, before: '{"n":5}', after: '{"n":6}' })
      expect(newest?.previousHash).toBe(next?.hash)
      expect(await ledger.audit.verify()).toEqual({ entries: 7, intact: true, firstBroken: null })
    })

    const edits = [
      'database_at = database_at + 1',
      `actor = 'mallory'`,
      `action = 'nothing'`,
      `subject = 'e9'`,
      `reason = 'another'`,
      'before = null',
      `after = '{"n":5}'`,
      `hash = '${'0'.repeat(64)}'`,
      `previous_hash = '${'0'.repeat(64)}'`,
    ]
    for (const edit of edits) {
      it(`finds an edited row: ${edit}`, async () => {
        const test = await trail()
        await test.tamper(`update audit set ${edit} where seq = 4`)
        expect(await test.ledger.audit.verify()).toMatchObject({ intact: false, firstBroken: 4 })
      })
    }

    it('finds a deleted row by the one after it', async () => {
      const test = await trail()
      await test.tamper('delete from audit where seq = 4')
      expect(await test.ledger.audit.verify()).toEqual({ entries: 3, intact: false, firstBroken: 5 })
    })

    it('finds that the first row was deleted', async () => {
      const test = await trail()
      await test.tamper('delete from audit where seq = 1')
      expect(await test.ledger.audit.verify()).toEqual({ entries: 0, intact: false, firstBroken: 2 })
    })

    it('finds that the newest rows were deleted', async () => {
      const test = await trail()
      await test.tamper('delete from audit where seq >= 6')
      expect(await test.ledger.audit.verify()).toEqual({ entries: 5, intact: false, firstBroken: 6 })
    })

    it('finds missing newest rows also after the trail went on', async () => {
      const test = await trail()
      await test.tamper('delete from audit where seq >= 6')
      await test.ledger.audit.append({ by: ops, action: 'test', subject: 'e8' })
      await test.ledger.audit.append({ by: ops, action: 'test', subject: 'e9' })
      expect(await test.ledger.audit.verify()).toEqual({ entries: 5, intact: false, firstBroken: 8 })
    })

    it('finds that all was deleted', async () => {
      const test = await trail()
      await test.tamper('delete from audit')
      expect(await test.ledger.audit.verify()).toMatchObject({ intact: false, firstBroken: 1 })
    })

    it("finds a row put in from another ledger's trail, which is whole in itself", async () => {
      const test = await trail()
      const other = await harness.open()
      await other.ledger.audit.append({ by: ops, action: 'test', subject: 'e2', before: { n: 1 }, after: { n: 2 } })
      const [row] = await other.ledger.audit.list(1)
      await other.close()
      await test.tamper(`
        update audit set database_at = ${row?.databaseAt}, previous_hash = '${row?.previousHash}', hash = '${row?.hash}'
        where seq = 2`)
      expect(await test.ledger.audit.verify()).toMatchObject({ intact: false, firstBroken: 2 })
    })

    it('finds a row inserted in the middle, and one at the end', async () => {
      const test = await trail()
      const columns = 'database_at, actor, action, subject, reason, before, after, previous_hash, hash'
      await test.tamper(`insert into audit (seq, ${columns}) select 8, ${columns} from audit where seq = 7`)
      expect(await test.ledger.audit.verify()).toMatchObject({ intact: false, firstBroken: 8 })

      await test.tamper(`
        update audit set seq = seq + 100 where seq >= 4; update audit set seq = seq - 99 where seq >= 100;
        insert into audit (seq, ${columns}) select 4, ${columns} from audit where seq = 3`)
      expect(await test.ledger.audit.verify()).toMatchObject({ intact: false, firstBroken: 4 })
    })

    it('finds two rows exchanged', async () => {
      const test = await trail()
      await test.tamper(`
        update audit set seq = 99 where seq = 3; update audit set seq = 3 where seq = 5;
        update audit set seq = 5 where seq = 99`)
      expect(await test.ledger.audit.verify()).toMatchObject({ intact: false, firstBroken: 3 })
    })

    it('stays one chain when two processes write at once, over many pages', async () => {
      const test = current()
      const other = await test.reopen()
      const writes = Array.from({ length: 2_100 }, (_, n) =>
        (n % 2 === 0 ? test : other).ledger.audit.append({ by: ops, action: 'test', subject: String(n) }),
      )
      await Promise.all(writes)
      expect(await test.ledger.audit.verify()).toEqual({ entries: 2_101, intact: true, firstBroken: null })

      await test.tamper(`update audit set actor = 'mallory' where seq = 2050`)
      expect(await test.ledger.audit.verify()).toMatchObject({ intact: false, firstBroken: 2050 })
    })
  })
}
