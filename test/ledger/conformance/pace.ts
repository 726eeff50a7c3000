import { expect, it } from 'vitest'
import { probeEveryMs } from '#core/hold.ts'
import type { RatePolicy } from '#core/pace.ts'
import { everything, type Ledger, type Reservation } from '#ledger/ledger.ts'
import { ops, seedPending } from '../fixtures.ts'
import type { LedgerHarness } from '../harness.ts'
import { answerOf, claimed, describeSending } from '../sending.ts'

const policy: RatePolicy = { perSecond: 100, reserve: 0.3 }
/** Between two slots at 500 calls per second. */
const fastGapMs = 1000 / (500 * 0.98)
const unlimited = { max24Hour: null, maxPerSecond: 1000, sentLast24Hours: 0 }

export function paceConformance(harness: LedgerHarness): void {
  describeSending('the pace', harness, (current) => {
    it('gives no slot twice, spaced for 98 % of the limit, to processes that ask at once', async () => {
      const test = current()
      const other = await test.reopen()
      const answers: Reservation[] = []
      for (let round = 0; round < 5; round++) {
        answers.push(...(await Promise.all([test, other].map(({ ledger }) => ledger.pace.reserve(4, policy)))))
        test.shiftDatabaseTime(30)
      }
      const slots = answers.flatMap(slotsOf).sort((one, another) => one - another)
      const gaps = slots.slice(1).map((slot, index) => slot - (slots[index] ?? 0))
      expect(slots.length).toBeGreaterThan(8)
      expect(Math.min(...gaps)).toBeGreaterThan(1000 / 98 - 0.001)
    })

    it('reserves no slot further ahead than 100 ms, nor more than are wanted, and says when to ask again', async () => {
      const test = current()
      const { ledger } = test
      const few = await ledger.pace.reserve(2, policy)
      expect(slotsOf(few)).toHaveLength(2)
      const all = await ledger.pace.reserve(1000, policy)
      if (all.kind !== 'slots') throw new Error('no slots')
      expect(Math.max(...all.slots)).toBeLessThan(all.databaseAt + 100)
      const slow = { perSecond: 0.2, reserve: 0 }
      test.shiftDatabaseTime(10_000)
      const first = await ledger.pace.reserve(5, slow)
      expect(slotsOf(first)).toHaveLength(1)
      const wait = await ledger.pace.reserve(5, slow)
      expect(wait).toMatchObject({ kind: 'wait' })
      expect(wait.kind === 'wait' && wait.waitMs).toBeGreaterThan(4000)
      if (wait.kind === 'wait') test.shiftDatabaseTime(wait.waitMs)
      expect(slotsOf(await ledger.pace.reserve(5, slow))).toHaveLength(1)
    })

    it("goes at the operator's limit or at SES's rate without its reserve, whichever is lower", async () => {
      const { ledger } = current()
      await ledger.pace.setQuota({ ...unlimited, maxPerSecond: 40 })
      const answer = slotsOf(await ledger.pace.reserve(3, { perSecond: 500, reserve: 0.5 }))
      expect((answer[1] ?? 0) - (answer[0] ?? 0)).toBeCloseTo(1000 / (0.98 * 20), 3)
      expect(await ledger.pace.read()).toMatchObject({ sesRatePerSecond: 40, quota: null })
    })

    it('goes slower on the ramp after a resume, and after SES throttled', async () => {
      const test = current()
      const { ledger } = test
      await ledger.gates.close(everything, ops)
      await ledger.gates.open(everything, ops, { factor: 0.1, forMs: 3_600_000 })
      expect(await gapOf(ledger)).toBeCloseTo(fastGapMs * 10, 0)
      expect((await ledger.pace.read()).resumeRamp).toMatchObject({ factor: 0.1 })

      test.shiftDatabaseTime(3_600_000)
      expect((await ledger.pace.read()).resumeRamp).toBeNull()
      const [id = ''] = await seedPending(ledger, 1)
      await ledger.outbox.settle(answerOf(id, await claimed(ledger, id), 'throttled'))
      const slowed = await gapOf(ledger)
      expect(slowed).toBeGreaterThan(1.5 * fastGapMs)
      expect(slowed).toBeLessThan(2.1 * fastGapMs)
      test.shiftDatabaseTime(60_000)
      expect(await gapOf(ledger)).toBeCloseTo(fastGapMs, 3)
      expect((await ledger.pace.read()).throttledRamp).toBeNull()
    })

    it('under a hold lets one call through per 30 s, over all processes, until an answer is good', async () => {
      const test = current()
      const other = await test.reopen()
      const [first = '', second = ''] = await seedPending(test.ledger, 2)
      await test.ledger.outbox.settle(answerOf(first, await claimed(test.ledger, first), 'paused'))

      const ask = async () => {
        const answers = await Promise.all([test, other].map(({ ledger }) => ledger.pace.reserve(5, policy)))
        return answers.flatMap(slotsOf).length
      }
      expect(await ask()).toBe(0)
      const held = await test.ledger.pace.reserve(5, policy)
      expect(held).toMatchObject({ kind: 'hold', cause: 'paused' })
      expect(held.kind === 'hold' && held.waitMs).toBeGreaterThan(0)
      expect(held.kind === 'hold' && held.waitMs).toBeLessThanOrEqual(probeEveryMs)
      for (let probe = 0; probe < 3; probe++) {
        test.shiftDatabaseTime(probeEveryMs)
        expect(await ask()).toBe(1)
        expect(await ask()).toBe(0)
      }
      await test.ledger.outbox.settle(answerOf(second, await claimed(test.ledger, second), 'accepted'))
      test.shiftDatabaseTime(1000)
      expect(await ask()).toBeGreaterThan(5)
    })

    it('makes one probe after a long time without any, not one for each that was missed', async () => {
      const test = current()
      const { ledger } = test
      const [id = ''] = await seedPending(ledger, 1)
      await ledger.outbox.settle(answerOf(id, await claimed(ledger, id), 'set-up'))
      test.shiftDatabaseTime(20 * probeEveryMs)
      expect(slotsOf(await ledger.pace.reserve(5, policy))).toHaveLength(1)
      expect(await ledger.pace.reserve(5, policy)).toMatchObject({ kind: 'hold', cause: 'set-up' })
    })

    it("uses the day's quota down to its reserve, without probes, until SES's own figure shows room", async () => {
      const test = current()
      const other = await test.reopen()
      const fast = { perSecond: 500, reserve: 0.3 }
      await test.ledger.pace.setQuota({ max24Hour: 200, maxPerSecond: 1000, sentLast24Hours: 135 })
      const answers = await Promise.all([test, other].map(({ ledger }) => ledger.pace.reserve(4, fast)))
      expect(answers.flatMap(slotsOf)).toHaveLength(5)
      expect((await test.ledger.pace.read()).quota).toMatchObject({ max24Hour: 200, used: 140 })
      expect(await test.ledger.pace.reserve(1, fast)).toMatchObject({ kind: 'hold', cause: 'quota' })
      test.shiftDatabaseTime(10 * probeEveryMs)
      expect(await test.ledger.pace.reserve(1, fast)).toMatchObject({ kind: 'hold', cause: 'quota' })

      await test.ledger.pace.setQuota({ max24Hour: 200, maxPerSecond: 1000, sentLast24Hours: 139 })
      expect(slotsOf(await test.ledger.pace.reserve(5, fast))).toHaveLength(1)
    })

    it('lets one of two processes ask SES for its quota, once in a while', async () => {
      const test = current()
      const other = await test.reopen()
      const ask = async () => {
        const turns = await Promise.all([test, other].map(({ ledger }) => ledger.pace.takeQuotaTurn(60_000)))
        return turns.filter(Boolean).length
      }
      expect(await ask()).toBe(1)
      expect(await ask()).toBe(0)
      test.shiftDatabaseTime(60_000)
      expect(await ask()).toBe(1)
      // Back to before the last turn, as when a clock is set right.
      test.shiftDatabaseTime(-3_600_000)
      expect(await ask()).toBe(1)
    })
  })
}

function slotsOf(answer: Reservation): readonly number[] {
  return answer.kind === 'slots' ? answer.slots : []
}

/** Between the next two slots at 500 calls per second. */
async function gapOf(ledger: Ledger): Promise<number> {
  const [one = Number.NaN, another = Number.NaN] = slotsOf(await ledger.pace.reserve(2, { perSecond: 500, reserve: 0 }))
  return another - one
}
