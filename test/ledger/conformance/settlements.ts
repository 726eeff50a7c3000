import { expect, it } from 'vitest'
import { type MessageState, mayMove, messageStates } from '#core/message-state.ts'
import type { Outcome } from '#core/outcome.ts'
import { seedPending } from '../fixtures.ts'
import type { LedgerHarness, TestLedger } from '../harness.ts'
import { againAt, answerOf, beganAt, claimed, describeSending, endedAt, settledAt } from '../sending.ts'

const cap = { localDate: '2026-11-23', max: 3 }

/** What each answer makes of its message, of its reminders, and of the address's count of today. */
const meanings: readonly (readonly [Outcome, MessageState, string | null, number])[] = [
  ['accepted', 'sent', 'sent', 1],
  ['refused', 'failed', 'failed', 0],
  ['throttled', 'pending', null, 0],
  ['paused', 'pending', null, 0],
  ['set-up', 'pending', null, 0],
  ['not-sent', 'pending', null, 0],
  ['unknown', 'in_doubt', null, 1],
]

export function settlementsConformance(harness: LedgerHarness): void {
  describeSending('settlements', harness, (current) => {
    for (const before of ['sending', 'in_doubt'] as const) {
      it.each(meanings)(
        `from ${before}, %s makes a message %s and its reminders %s`,
        async (outcome, state, decided, count) => {
          const test = current()
          const [id = ''] = await seedPending(test.ledger, 1, { pinsEach: 2 })
          const attempt = await claimed(test.ledger, id, { cap })
          if (before === 'in_doubt') await test.ledger.attempts.doubt(attempt, false, settledAt)
          const answer = answerOf(id, attempt, outcome)
          expect(await test.ledger.outbox.settle(answer)).toBe('applied')

          expect(await rowOf(test, 'message')).toMatchObject({
            state,
            ses_id: state === 'sent' ? answer.sesId : null,
            sent_at: state === 'sent' ? settledAt : null,
            current_attempt: state === 'pending' ? null : attempt,
            ...(state === 'pending' ? { not_before: againAt, wait: 'back-off', render_values: null } : {}),
            doubt_since_database_at: state === 'in_doubt' ? expect.any(Number) : null,
          })
          const decidedAt = decided === null ? null : settledAt
          const reminders = await test.look('select outcome, decided_at, message_id from reminder')
          expect(reminders).toEqual(Array(2).fill({ outcome: decided, decided_at: decidedAt, message_id: id }))
          expect(await rowOf(test, 'cap')).toMatchObject({ count })
          expect(await rowOf(test, 'attempt')).toMatchObject({
            outcome,
            code: answer.code,
            request_id: answer.requestId,
            ses_id: answer.sesId,
            began_at: outcome === 'not-sent' ? null : beganAt,
            ended_at: endedAt,
          })
          expect(await test.ledger.attempts.open()).toEqual([])
        },
      )
    }

    it('makes the legal moves and no other', async () => {
      const test = current()
      const made: string[] = []
      const legal: string[] = []
      const [id = ''] = await seedPending(test.ledger, 1)
      const attempt = await claimed(test.ledger, id)
      for (const from of messageStates) {
        for (const outcome of ['accepted', 'refused', 'not-sent', 'unknown'] as const) {
          await test.tamper(`update message set state = '${from}', current_attempt = ${attempt}`)
          const answer = answerOf(id, attempt, outcome)
          await test.ledger.outbox.settle(answer)
          const state = String((await rowOf(test, 'message'))?.state)
          if (state !== from) made.push(`${from} > ${state}`)
          if (from !== 'pending' && mayMove(from, answer.to)) legal.push(`${from} > ${answer.to}`)
        }
      }
      expect(made).toEqual(legal)
      expect(made).toHaveLength(7)
    })

    it('keeps a message that was claimed again from a late refusal of its older attempt, and records that', async () => {
      const test = current()
      const { id, older, newer } = await claimedTwice(test)
      const before = await rowOf(test, 'message')
      expect(await test.ledger.outbox.settle(answerOf(id, older, 'refused'))).toBe('late')
      expect(await rowOf(test, 'message')).toEqual(before)
      expect(await test.ledger.attempts.byNumber([older, newer])).toMatchObject([
        { outcome: 'refused', endedAt },
        { outcome: null, endedAt: null },
      ])
    })

    it('raises the alarm when an older attempt turns out accepted: once in the audit, however often it is told', async () => {
      const test = current()
      const { id, older, newer } = await claimedTwice(test)
      const before = await rowOf(test, 'message')
      expect(await test.ledger.outbox.settle(answerOf(id, older, 'accepted'))).toBe('alarm')
      expect(await test.ledger.outbox.settle(answerOf(id, older, 'accepted'))).toBe('alarm')

      expect(await rowOf(test, 'message')).toEqual(before)
      expect(await test.ledger.attempts.byNumber([older])).toMatchObject([{ outcome: 'accepted' }])
      const alarms = (await test.ledger.audit.list(100)).filter((one) => one.action === 'message.alarm')
      expect(alarms).toHaveLength(1)
      expect(alarms[0]).toMatchObject({ subject: id })
      expect(JSON.parse(alarms[0]?.after ?? '')).toMatchObject({ attempt: older })
      expect(await test.ledger.audit.verify()).toMatchObject({ intact: true })
      expect(await test.ledger.outbox.settle(answerOf(id, newer, 'accepted'))).toBe('applied')
    })

    it('raises the alarm when a message that waits for another try, or was given up, turns out accepted', async () => {
      const test = current()
      const [waits = '', failed = ''] = await seedPending(test.ledger, 2)
      for (const [id, outcome] of [
        [waits, 'not-sent'],
        [failed, 'refused'],
      ] as const) {
        const attempt = await claimed(test.ledger, id)
        await test.ledger.attempts.doubt(attempt, true, settledAt)
        await test.ledger.outbox.settle(answerOf(id, attempt, outcome))
        expect(await test.ledger.outbox.settle(answerOf(id, attempt, 'accepted'))).toBe('alarm')
      }
    })

    it('raises the alarm for an accepted attempt that the ledger has forgotten', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      const attempt = await claimed(test.ledger, id)
      await test.tamper(`delete from attempt; update message set state = 'pending', current_attempt = null`)
      expect(await test.ledger.outbox.settle(answerOf(id, attempt, 'accepted'))).toBe('alarm')
      expect(await test.ledger.outbox.settle(answerOf('forgotten', attempt, 'accepted'))).toBe('alarm')
      expect(await test.ledger.outbox.settle(answerOf('forgotten', attempt, 'unknown'))).toBe('late')
    })

    it("lets a worker's answer count that comes after its attempt was written off", async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      const attempt = await claimed(test.ledger, id)
      await test.ledger.attempts.doubt(attempt, true, settledAt)
      expect(await test.ledger.outbox.settle(answerOf(id, attempt, 'accepted'))).toBe('applied')
      expect(await rowOf(test, 'message')).toMatchObject({ state: 'sent' })
      expect(await test.ledger.attempts.byNumber([attempt])).toMatchObject([{ outcome: 'accepted', endedAt }])
    })

    it.each(['accepted', 'refused', 'throttled', 'unknown'] as const)(
      'takes the same answer twice as one: %s',
      async (outcome) => {
        const test = current()
        const [first = '', second = ''] = await seedPending(test.ledger, 2, { address: (n) => `${n}@example.com` })
        const limits = [{ bucket: 'soft-pin:hour:1', max: 10 }]
        await claimed(test.ledger, first, { limits })
        const attempt = await claimed(test.ledger, second, { limits })
        const answer = answerOf(second, attempt, outcome)
        expect(await test.ledger.outbox.settle(answer)).toBe('applied')
        const tables = ['message', 'reminder', 'attempt', 'cap', 'pace', 'audit']
        const contents = () => Promise.all(tables.map((table) => test.look(`select * from ${table} order by 1`)))
        const before = await contents()
        expect(await test.ledger.outbox.settle(answer)).toBe('applied')
        expect(await contents()).toEqual(before)
      },
    )

    it.each(['accepted', 'throttled', 'unknown'] as const)(
      'settles once when the answer to the commit was lost: %s',
      async (outcome) => {
        const test = current()
        const [id = ''] = await seedPending(test.ledger, 1)
        const attempt = await claimed(test.ledger, id, { cap })
        const answer = answerOf(id, attempt, outcome)
        test.loseNextCommitAnswer()
        expect(await test.ledger.outbox.settle(answer)).toBe('applied')
        expect(await rowOf(test, 'message')).toMatchObject({ state: answer.to })
        expect(await rowOf(test, 'pace')).toMatchObject({ unanswered_in_a_row: outcome === 'unknown' ? 1 : 0 })
        expect(await rowOf(test, 'cap')).toMatchObject({ count: outcome === 'throttled' ? 0 : 1 })
      },
    )

    it('begins a hold with the fifth answer in a row that did not come, over all processes, and ends it with a good one', async () => {
      const test = current()
      const other = await test.reopen()
      const ids = await seedPending(test.ledger, 12)
      let n = 0
      const answer = async (outcome: Outcome) => {
        const id = ids[n] ?? ''
        const { ledger } = n++ % 2 === 0 ? test : other
        await ledger.outbox.settle(answerOf(id, await claimed(ledger, id), outcome))
        return (await test.ledger.pace.read()).hold
      }
      for (let i = 0; i < 4; i++) expect(await answer('unknown')).toBeNull()
      expect(await answer('accepted')).toBeNull()
      for (let i = 0; i < 4; i++) expect(await answer('unknown')).toBeNull()
      expect(await answer('unknown')).toMatchObject({ cause: 'outage' })
      expect(await answer('accepted')).toBeNull()
    })

    it.each(['paused', 'set-up'] as const)('begins a hold at once when SES says %s', async (outcome) => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      await test.ledger.outbox.settle(answerOf(id, await claimed(test.ledger, id), outcome))
      expect((await test.ledger.pace.read()).hold).toMatchObject({ cause: outcome })
    })

    it('halves the speed when SES throttles', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      await test.ledger.outbox.settle(answerOf(id, await claimed(test.ledger, id), 'throttled'))
      expect((await test.ledger.pace.read()).throttledRamp).toMatchObject({ factor: 0.5 })
    })
  })
}

async function rowOf(test: TestLedger, table: string): Promise<Record<string, unknown> | undefined> {
  const [row] = await test.look(`select * from ${table}`)
  return row
}

/** A message whose first attempt was written off and settled for another try by a person, and that was claimed again. */
async function claimedTwice(test: TestLedger & { readonly clocks: { businessAt: number } }) {
  const [id = ''] = await seedPending(test.ledger, 1)
  const older = await claimed(test.ledger, id)
  await test.ledger.attempts.doubt(older, true, settledAt)
  await test.ledger.outbox.settle(answerOf(id, older, 'not-sent', { sign: 'neutral' }))
  test.clocks.businessAt = againAt
  const newer = await claimed(test.ledger, id)
  return { id, older, newer }
}
