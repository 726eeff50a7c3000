import { expect, it } from 'vitest'
import { seedPending } from '../fixtures.ts'
import type { LedgerHarness, TestLedger } from '../harness.ts'
import { answerOf, claimed, describeSending, settledAt, worker } from '../sending.ts'

export function attemptsConformance(harness: LedgerHarness): void {
  describeSending('attempts', harness, (current) => {
    it('lists those that nobody has ended, with their workers, and any by number in order', async () => {
      const test = current()
      const [first = '', second = '', third = ''] = await seedPending(test.ledger, 3)
      const numbers = [
        await claimed(test.ledger, first),
        await claimed(test.ledger, second, { worker: { ...worker, pid: 2, name: 'host:2' } }),
        await claimed(test.ledger, third),
      ] as const
      await test.ledger.outbox.settle(answerOf(first, numbers[0], 'accepted'))

      const open = await test.ledger.attempts.open()
      expect(open.map((one) => one.number)).toEqual([numbers[1], numbers[2]])
      expect(open[0]).toMatchObject({ worker: { ...worker, pid: 2, name: 'host:2' }, messageState: 'sending' })

      const named = await test.ledger.attempts.byNumber([numbers[2], numbers[0], 999])
      expect(named.map((one) => one.number)).toEqual([numbers[0], numbers[2]])
      expect(named[0]).toMatchObject({ outcome: 'accepted', messageState: 'sent', messageId: first })
      expect(await test.ledger.attempts.byNumber([])).toEqual([])
    })

    it('puts a claim without an end in doubt, and keeps its attempt open until it is written off', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      const attempt = await claimed(test.ledger, id, { cap: { localDate: '2026-11-23', max: 1 } })
      test.shiftDatabaseTime(60_000)
      await test.ledger.attempts.doubt(attempt, false, settledAt)
      expect(await messageOf(test)).toMatchObject({ state: 'in_doubt', current_attempt: attempt })
      expect(await test.look('select count from cap')).toEqual([{ count: 1 }])
      expect(await test.ledger.attempts.open()).toMatchObject([{ number: attempt, messageState: 'in_doubt' }])

      const doubted = await messageOf(test)
      test.shiftDatabaseTime(900_000)
      await test.ledger.attempts.doubt(attempt, true, settledAt + 900_000)
      expect(await messageOf(test)).toEqual(doubted)
      expect(await test.ledger.attempts.open()).toEqual([])
      const [closed] = await test.ledger.attempts.byNumber([attempt])
      expect(closed).toMatchObject({ outcome: 'unknown' })
      expect(closed?.endedAt).toBeGreaterThanOrEqual((closed?.askedAt ?? 0) + 960_000)
    })

    it('changes nothing when the worker has settled meanwhile', async () => {
      const test = current()
      const ids = await seedPending(test.ledger, 3)
      for (const [n, outcome] of (['accepted', 'not-sent', 'unknown'] as const).entries()) {
        const attempt = await claimed(test.ledger, ids[n] ?? '')
        await test.ledger.outbox.settle(answerOf(ids[n] ?? '', attempt, outcome))
        const before = [await test.look('select * from message'), await test.look('select * from attempt')]
        await test.ledger.attempts.doubt(attempt, true, settledAt + 1)
        expect([await test.look('select * from message'), await test.look('select * from attempt')]).toEqual(before)
      }
    })

    it('leaves a message alone that another attempt has taken, and closes the older one', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      const older = await claimed(test.ledger, id)
      await test.tamper(`update message set state = 'pending', current_attempt = null`)
      const newer = await claimed(test.ledger, id)
      await test.ledger.attempts.doubt(older, true, settledAt)
      expect(await messageOf(test)).toMatchObject({ state: 'sending', current_attempt: newer })
      expect((await test.ledger.attempts.open()).map((one) => one.number)).toEqual([newer])
    })
  })
}

async function messageOf(test: TestLedger): Promise<Record<string, unknown> | undefined> {
  const [row] = await test.look('select * from message')
  return row
}
