import { expect, it } from 'vitest'
import { skipReasons } from '#core/reminder.ts'
import { monday, openOf, reminderOf } from '../fixtures.ts'
import type { LedgerHarness } from '../harness.ts'
import { describeLedger } from './describe-ledger.ts'

const later = monday + 900_000

export function plansConformance(harness: LedgerHarness): void {
  describeLedger('planning', harness, (current) => {
    it('knows nothing of PINs that no scan has seen', async () => {
      const { plans } = current().ledger
      expect(await plans.known('soft-pin', ['p1'])).toEqual([])
      expect(await plans.known('soft-pin', [])).toEqual([])
      expect(await plans.write('soft-pin', { inserts: [], reopens: [] }, monday)).toEqual({ planned: 0, skipped: {} })
    })

    it('writes open reminders and decided ones, and counts them', async () => {
      const { ledger } = current()
      const inserts = [
        reminderOf(ledger, 'p1', { stage: '30d', skip: 'superseded' }),
        reminderOf(ledger, 'p1', { stage: '14d', skip: 'superseded' }),
        reminderOf(ledger, 'p1', { stage: '7d' }),
        reminderOf(ledger, 'p2', { recipientKey: null, skip: 'no-address' }),
      ]
      const written = await ledger.plans.write('soft-pin', { inserts, reopens: [] }, monday)
      expect(written).toEqual({ planned: 1, skipped: { superseded: 2, 'no-address': 1 } })

      const known = await ledger.plans.known('soft-pin', ['p1', 'p2'])
      expect(known).toHaveLength(4)
      expect(known).toContainEqual(expect.objectContaining({ pinId: 'p1', stage: '7d', outcome: null, reason: null }))
      expect(known).toContainEqual(
        expect.objectContaining({ pinId: 'p1', version: 'v1', stage: '14d', outcome: 'skipped', reason: 'superseded' }),
      )
    })

    it('tells what is known of the campaign and the PINs asked for alone', async () => {
      const { ledger } = current()
      await ledger.plans.write(
        'ours',
        { inserts: [reminderOf(ledger, 'p1'), reminderOf(ledger, 'p2')], reopens: [] },
        monday,
      )
      await ledger.plans.write('theirs', { inserts: [reminderOf(ledger, 'p1')], reopens: [] }, monday)
      expect((await ledger.plans.known('ours', ['p2', 'p3'])).map((one) => one.pinId)).toEqual(['p2'])
      expect(await ledger.plans.known('theirs', ['p2'])).toEqual([])
    })

    it('leaves what is there as it is, and counts only what is new, when a page is partly known', async () => {
      const { ledger } = current()
      const first = [reminderOf(ledger, 'p1', { stage: '14d' })]
      await ledger.plans.write('soft-pin', { inserts: first, reopens: [] }, monday)

      const page = [
        reminderOf(ledger, 'p1', { stage: '30d', skip: 'superseded' }),
        reminderOf(ledger, 'p1', { stage: '14d', skip: 'superseded', dueAt: later }),
        reminderOf(ledger, 'p1', { stage: '7d' }),
      ]
      const written = await ledger.plans.write('soft-pin', { inserts: page, reopens: [] }, later)
      expect(written).toEqual({ planned: 1, skipped: { superseded: 1 } })
      const [open14d] = (await openOf(ledger, 'soft-pin')).filter((one) => one.stage === '14d')
      expect(open14d).toMatchObject({ dueAt: monday })
    })

    it('plans a reminder once when two scans overlap', async () => {
      const test = current()
      const other = await test.reopen()
      const inserts = Array.from({ length: 50 }, (_, n) => reminderOf(test.ledger, `p${n}`))
      const written = await Promise.all(
        [test, other, test, other].map(({ ledger }) =>
          ledger.plans.write('soft-pin', { inserts, reopens: [] }, monday),
        ),
      )
      expect(written.reduce((sum, one) => sum + one.planned, 0)).toBe(50)
      expect(await openOf(test.ledger, 'soft-pin')).toHaveLength(50)
    })

    it('plans every stage anew for another version of a PIN', async () => {
      const { ledger } = current()
      await ledger.plans.write('soft-pin', { inserts: [reminderOf(ledger, 'p1')], reopens: [] }, monday)
      const reset = [reminderOf(ledger, 'p1', { version: 'v2' })]
      expect(await ledger.plans.write('soft-pin', { inserts: reset, reopens: [] }, later)).toMatchObject({ planned: 1 })
    })

    it('writes a page whole or not at all', async () => {
      const { ledger } = current()
      const broken = reminderOf(ledger, 'p2', { dueAt: null as unknown as number })
      const page = { inserts: [reminderOf(ledger, 'p1'), broken], reopens: [] }
      await expect(ledger.plans.write('soft-pin', page, monday)).rejects.toThrow()
      expect(await ledger.plans.known('soft-pin', ['p1', 'p2'])).toEqual([])
    })

    it('reopens only skips that may turn out to have been wrong', async () => {
      const { ledger } = current()
      const inserts = skipReasons.map((skip) => reminderOf(ledger, skip, { skip }))
      await ledger.plans.write('soft-pin', { inserts, reopens: [] }, monday)
      const ids = (await ledger.plans.known('soft-pin', [...skipReasons])).map((one) => one.id)
      const written = await ledger.plans.write('soft-pin', { inserts: [], reopens: ids }, later)

      expect(written).toEqual({ planned: 0, skipped: {} })
      const open = await openOf(ledger, 'soft-pin')
      expect(open.map((one) => one.pinId).sort()).toEqual(['gone', 'no-address', 'not-applicable', 'revoked'])
      expect(await ledger.plans.known('soft-pin', ['gone'])).toMatchObject([{ outcome: null, reason: null }])
    })

    it('does not reopen what was sent, or a reminder of another campaign', async () => {
      const test = current()
      const inserts = [reminderOf(test.ledger, 'p1', { skip: 'gone' })]
      await test.ledger.plans.write('soft-pin', { inserts, reopens: [] }, monday)
      const ids = (await test.ledger.plans.known('soft-pin', ['p1'])).map((one) => one.id)
      await test.ledger.plans.write('other', { inserts: [], reopens: ids }, later)
      expect(await openOf(test.ledger, 'soft-pin')).toEqual([])
      expect(await openOf(test.ledger, 'other')).toEqual([])

      await test.tamper(`update reminder set outcome = 'sent'`)
      await test.ledger.plans.write('soft-pin', { inserts: [], reopens: ids }, later)
      expect(await test.ledger.plans.known('soft-pin', ['p1'])).toMatchObject([{ outcome: 'sent' }])
    })

    it('pages the open reminders by recipient, each once', async () => {
      const { ledger } = current()
      const inserts = Array.from({ length: 60 }, (_, n) =>
        reminderOf(ledger, `p${n}`, { address: `holder-${n % 7}@example.com`, skip: n % 5 === 0 ? 'no-pin' : null }),
      )
      await ledger.plans.write('soft-pin', { inserts, reopens: [] }, monday)
      await ledger.plans.write('other', { inserts, reopens: [] }, monday)
      // Without an address when it was decided: its recipient becomes known when it is assembled.
      const homeless = [reminderOf(ledger, 'homeless', { recipientKey: null, skip: 'no-address' })]
      await ledger.plans.write('soft-pin', { inserts: homeless, reopens: [] }, monday)
      const reopens = (await ledger.plans.known('soft-pin', ['homeless'])).map((one) => one.id)
      await ledger.plans.write('soft-pin', { inserts: [], reopens }, monday)

      const whole = await openOf(ledger, 'soft-pin')
      expect(whole).toHaveLength(49)
      const order = whole.map((one) => `${one.recipientKey} ${one.id}`)
      expect(order).toEqual([...order].sort())
      for (const limit of [1, 10, 49]) {
        const paged = []
        for (;;) {
          const page = await ledger.plans.open('soft-pin', paged.at(-1) ?? null, limit)
          paged.push(...page)
          if (page.length < limit) break
        }
        expect(paged).toEqual(whole)
      }
    })

    it('remembers the last scan of each campaign', async () => {
      const { plans } = current().ledger
      const scan = { campaign: 'b', startedAt: 1, finishedAt: 2, examined: 3, planned: 4 }
      await plans.recordScan(scan)
      await plans.recordScan({ ...scan, campaign: 'a' })
      await plans.recordScan({ ...scan, startedAt: 10, finishedAt: 20 })
      expect(await plans.lastScans()).toEqual([
        { ...scan, campaign: 'a' },
        { ...scan, startedAt: 10, finishedAt: 20 },
      ])
    })
  })
}
