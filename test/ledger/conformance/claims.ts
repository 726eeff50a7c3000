import { expect, it } from 'vitest'
import { everything } from '#ledger/ledger.ts'
import { draftOf, hourMs, monday, openOf, ops, reminderOf, seedPending } from '../fixtures.ts'
import type { LedgerHarness, TestLedger } from '../harness.ts'
import { answerOf, claimed, describeSending, requestOf, worker } from '../sending.ts'

const cap = { localDate: '2026-11-23', max: 1 }

export function claimsConformance(harness: LedgerHarness): void {
  describeSending('claims', harness, (current) => {
    it('takes a pending message, and keeps who claimed it, for how long, and what the mail says', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      const request = await requestOf(test.ledger, id, { leaseMs: 45_000 })
      const claim = await test.ledger.outbox.claim(request)

      const [open] = await test.ledger.attempts.open()
      expect(claim).toEqual({ kind: 'claimed', attempt: open?.number })
      expect(open).toMatchObject({
        messageId: id,
        campaign: 'soft-pin',
        worker,
        outcome: null,
        messageState: 'sending',
      })
      expect((open?.leaseEndsAt ?? 0) - (open?.askedAt ?? 0)).toBe(45_000)

      const detail = await test.ledger.reports.message(id)
      expect(detail).toMatchObject({ state: 'sending', values: request.values, editionHash: request.editionHash })
      expect(detail?.reminders).toMatchObject([{ outcome: null }])
      expect(await test.ledger.outbox.load(id)).toBeNull()
    })

    it('gives a message to one of two claims at once, in one process and in two', async () => {
      const test = current()
      const other = await test.reopen()
      const [same = '', shared = ''] = await seedPending(test.ledger, 2)
      for (const [id, second] of [
        [same, test],
        [shared, other],
      ] as const) {
        const requests = [await requestOf(test.ledger, id), await requestOf(second.ledger, id)] as const
        const claims = await Promise.all([
          test.ledger.outbox.claim(requests[0]),
          second.ledger.outbox.claim(requests[1]),
        ])
        expect(claims.filter((one) => one.kind === 'claimed')).toHaveLength(1)
        expect(claims).toContainEqual({ kind: 'refused', because: 'not-pending' })
      }
      expect(await test.ledger.attempts.open()).toHaveLength(2)
    })

    it('refuses a message that it does not know', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      const request = await requestOf(test.ledger, id, { messageId: 'another' })
      await expectRefusal(test, request, 'not-pending')
    })

    it.each([
      [
        'superseded',
        `update reminder set outcome = 'skipped', reason = 'superseded', decided_at = 1 where pin_id like '%-1'`,
      ],
      ['released', `update reminder set message_id = null where pin_id like '%-1'`],
      ['of another version', `update reminder set version = 'v2' where pin_id like '%-1'`],
      ['at another stage', `update reminder set stage = '1d' where pin_id like '%-1'`],
    ])('refuses when a reminder that the mail was composed of is %s meanwhile', async (_, sql) => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1, { pinsEach: 2 })
      const request = await requestOf(test.ledger, id)
      await test.tamper(sql)
      await expectRefusal(test, request, 'changed')
    })

    it('refuses when a reminder has joined the message since it was composed', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      const request = await requestOf(test.ledger, id)
      const address = 'soft-pin-0@example.com'
      await test.ledger.plans.write(
        'soft-pin',
        { inserts: [reminderOf(test.ledger, 'another', { address })], reopens: [] },
        monday,
      )
      const joining = (await openOf(test.ledger, 'soft-pin')).filter((one) => one.messageId === null)
      await test.ledger.plans.assemble(
        'soft-pin',
        { skips: [], drafts: [draftOf(test.ledger, address, joining)] },
        monday,
      )
      await expectRefusal(test, request, 'changed')
    })

    it('refuses a mail that was composed of nothing, or names a reminder twice in place of another', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1, { pinsEach: 2 })
      const request = await requestOf(test.ledger, id)
      await expectRefusal(test, { ...request, composed: [] }, 'changed')
      const twice = [...request.composed.slice(0, 1), ...request.composed.slice(0, 1)]
      await expectRefusal(test, { ...request, composed: twice }, 'changed')
      await test.tamper(`update reminder set outcome = 'skipped', reason = 'reset', decided_at = 1`)
      await expectRefusal(test, { ...request, composed: [] }, 'changed')
    })

    it.each([everything, 'soft-pin'])('refuses when the gate of %s was closed after the re-read', async (scope) => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      const request = await requestOf(test.ledger, id)
      const other = await test.reopen()
      await other.ledger.gates.close(scope, ops)
      await expectRefusal(test, request, 'gate')
    })

    it.each([
      ['the global gate is missing', `delete from gate where scope = '*'`],
      ["the campaign's gate is missing", `delete from gate where scope = 'soft-pin'`],
      ['the global gate says neither on nor off', `update gate set state = 'ON' where scope = '*'`],
      ["the campaign's gate says neither on nor off", `update gate set state = '' where scope = 'soft-pin'`],
      ['the ledger is for claims of a newer protocol', `update gate set claim_protocol = 2 where scope = '*'`],
      ['the ledger is for claims of an older protocol', `update gate set claim_protocol = 0 where scope = '*'`],
    ])('refuses when %s', async (_, sql) => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      const request = await requestOf(test.ledger, id)
      await test.tamper(sql)
      await expectRefusal(test, request, 'gate')
    })

    it('does not look at the gates of other campaigns', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      await seedPending(test.ledger, 1, { campaign: 'another' })
      await test.ledger.gates.close('another', ops)
      expect(await test.ledger.outbox.claim(await requestOf(test.ledger, id))).toMatchObject({ kind: 'claimed' })
    })

    it('refuses when the re-read is too old, at the moment of the claim', async () => {
      const test = current()
      const [first = '', second = ''] = await seedPending(test.ledger, 2)
      const requests = [await requestOf(test.ledger, first), await requestOf(test.ledger, second)] as const
      test.clocks.monotonicAtMs = requests[0].freshUntilMonotonicMs
      expect(await test.ledger.outbox.claim(requests[0])).toMatchObject({ kind: 'claimed' })
      test.clocks.monotonicAtMs += 1
      await expectRefusal(test, requests[1], 'stale')
    })

    it.each([
      [-1, 'refused'],
      [0, 'claimed'],
      [hourMs - 1, 'claimed'],
      [hourMs, 'refused'],
    ] as const)('takes an opening of an hour as half-open: %i ms after its start it is %s', async (afterMs, kind) => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1, { notBefore: monday - hourMs })
      const opening = { fromAt: monday, untilAt: monday + hourMs }
      const request = await requestOf(test.ledger, id, { opening })
      test.clocks.businessAt = monday + afterMs
      if (kind === 'refused') await expectRefusal(test, request, 'window')
      else expect(await test.ledger.outbox.claim(request)).toMatchObject({ kind })
    })

    it('refuses a message before its time, though the window is open', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1, { notBefore: monday + hourMs })
      const request = await requestOf(test.ledger, id)
      test.clocks.businessAt = monday + hourMs - 1
      await expectRefusal(test, request, 'window')
      await expectRefusal(test, { ...request, opening: { fromAt: monday, untilAt: monday + 2 * hourMs } }, 'window')
      test.clocks.businessAt = monday + hourMs
      expect(await test.ledger.outbox.claim(request)).toMatchObject({ kind: 'claimed' })
    })

    it("gives an address's last place of the day to one of two claims at once", async () => {
      const test = current()
      const other = await test.reopen()
      const address = () => 'one@example.com'
      const [first = ''] = await seedPending(test.ledger, 1, { campaign: 'first', address })
      const [second = ''] = await seedPending(test.ledger, 1, { campaign: 'second', address })
      const requests = [
        await requestOf(test.ledger, first, { cap }),
        await requestOf(test.ledger, second, { cap }),
      ] as const
      const claims = await Promise.all([test.ledger.outbox.claim(requests[0]), other.ledger.outbox.claim(requests[1])])
      expect(claims.filter((one) => one.kind === 'claimed')).toHaveLength(1)
      expect(claims).toContainEqual({ kind: 'refused', because: 'cap' })
    })

    it('counts a cap by address and by local day', async () => {
      const test = current()
      const address = () => 'one@example.com'
      const [first = ''] = await seedPending(test.ledger, 1, { campaign: 'first', address })
      const [second = ''] = await seedPending(test.ledger, 1, { campaign: 'second', address })
      const [stranger = ''] = await seedPending(test.ledger, 1, { campaign: 'third' })
      await claimed(test.ledger, first, { cap })
      await claimed(test.ledger, stranger, { cap })
      await expectRefusal(test, await requestOf(test.ledger, second, { cap }), 'cap')
      await claimed(test.ledger, second, { cap: { ...cap, localDate: '2026-11-24' } })
    })

    it.each([
      ['accepted', 'refused'],
      ['unknown', 'refused'],
      ['refused', 'claimed'],
      ['not-sent', 'claimed'],
      ['throttled', 'claimed'],
    ] as const)('after a call that was %s, the next claim under a full cap is %s', async (outcome, kind) => {
      const test = current()
      const address = () => 'one@example.com'
      const [first = ''] = await seedPending(test.ledger, 1, { campaign: 'first', address })
      const [second = ''] = await seedPending(test.ledger, 1, { campaign: 'second', address })
      const limits = [{ bucket: 'both:hour', max: 1 }]
      const attempt = await claimed(test.ledger, first, { cap, limits })
      await test.ledger.outbox.settle(answerOf(first, attempt, outcome))
      for (const more of [{ cap }, { limits }]) {
        const request = await requestOf(test.ledger, second, more)
        if (kind === 'refused') await expectRefusal(test, request, more.cap ? 'cap' : 'limit')
        else await test.ledger.outbox.settle(answerOf(second, await claimed(test.ledger, second, more), 'not-sent'))
        test.clocks.businessAt = monday + hourMs
      }
    })

    it("holds a campaign's claims to each of its limits, and counts none that another limit refuses", async () => {
      const test = current()
      const ids = await seedPending(test.ledger, 4)
      const limits = (hour: string) => [
        { bucket: 'soft-pin:day:1', max: 3 },
        { bucket: `soft-pin:hour:${hour}`, max: 2 },
      ]
      const request = (n: number, hour: string) => requestOf(test.ledger, ids[n] ?? '', { limits: limits(hour), cap })
      expect(await test.ledger.outbox.claim(await request(0, '1'))).toMatchObject({ kind: 'claimed' })
      expect(await test.ledger.outbox.claim(await request(1, '1'))).toMatchObject({ kind: 'claimed' })
      await expectRefusal(test, await request(2, '1'), 'limit')
      expect(await test.ledger.outbox.claim(await request(2, '2'))).toMatchObject({ kind: 'claimed' })
      await expectRefusal(test, await request(3, '2'), 'limit')
    })

    it('finds its claim again when the answer to the commit was lost', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      const request = await requestOf(test.ledger, id)
      test.loseNextCommitAnswer()
      const claim = await test.ledger.outbox.claim(request)
      const [open] = await test.ledger.attempts.open()
      expect(open).toBeDefined()
      expect(claim).toEqual({ kind: 'answer-lost', attempt: open?.number })
    })

    it('tells that no claim was made when the answer to the commit was lost', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      const request = await requestOf(test.ledger, id)
      await claimed(test.ledger, id)
      test.loseNextCommitAnswer()
      expect(await test.ledger.outbox.claim(request)).toEqual({ kind: 'answer-lost', attempt: null })
    })
  })
}

/** The claim is refused for this reason, and nothing in the ledger has changed. */
async function expectRefusal(
  test: TestLedger,
  request: Awaited<ReturnType<typeof requestOf>>,
  because: string,
): Promise<void> {
  const before = await contents(test)
  expect(await test.ledger.outbox.claim(request)).toEqual({ kind: 'refused', because })
  expect(await contents(test)).toEqual(before)
}

async function contents(test: TestLedger): Promise<unknown[]> {
  const tables = ['message', 'reminder', 'attempt', 'cap', 'pace', 'audit']
  return Promise.all(tables.map((table) => test.look(`select * from ${table} order by 1`)))
}
