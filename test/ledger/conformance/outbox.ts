import { expect, it } from 'vitest'
import { everything } from '#ledger/ledger.ts'
import { dayMs, draftOf, editionOf, hourMs, monday, openOf, ops, reminderOf, seedPending } from '../fixtures.ts'
import type { LedgerHarness, TestLedger } from '../harness.ts'
import { claimed, describeSending } from '../sending.ts'

export function outboxConformance(harness: LedgerHarness): void {
  describeSending('the outbox', harness, (current) => {
    it('offers the most urgent messages first, then those that have waited longest', async () => {
      const test = current()
      const [week = ''] = await seedPending(test.ledger, 1, { campaign: 'a', stage: '7d', notBefore: monday - dayMs })
      const [expired = ''] = await seedPending(test.ledger, 1, { campaign: 'b', stage: 'expired' })
      const [late = ''] = await seedPending(test.ledger, 1, { campaign: 'c', stage: '1d' })
      const [early = ''] = await seedPending(test.ledger, 1, { campaign: 'd', stage: '1d', notBefore: monday - hourMs })
      const { outbox } = test.ledger
      expect(await outbox.sendable(monday, 10)).toEqual([expired, early, late, week])
      expect(await outbox.sendable(monday, 2)).toEqual([expired, early])
      expect(await outbox.sendable(monday, 10, { campaign: 'c' })).toEqual([late])
      expect(await outbox.sendable(monday, 10, { campaign: 'unknown' })).toEqual([])
    })

    it('offers a message from its time on until its opening ends', async () => {
      const { ledger } = current()
      const [id] = await seedPending(ledger, 1, { notBefore: monday, notAfter: monday + hourMs })
      expect(await ledger.outbox.sendable(monday - 1, 10)).toEqual([])
      expect(await ledger.outbox.sendable(monday, 10)).toEqual([id])
      expect(await ledger.outbox.sendable(monday + hourMs - 1, 10)).toEqual([id])
      expect(await ledger.outbox.sendable(monday + hourMs, 10)).toEqual([])
    })

    it('offers nothing of a campaign that is off, and nothing at all while everything is off', async () => {
      const { ledger } = current()
      const [first] = await seedPending(ledger, 1, { campaign: 'first' })
      await seedPending(ledger, 1, { campaign: 'second' })
      await ledger.gates.close('second', ops)
      expect(await ledger.outbox.sendable(monday, 10)).toEqual([first])
      await ledger.gates.close(everything, ops)
      expect(await ledger.outbox.sendable(monday, 10)).toEqual([])
      await ledger.gates.open(everything, ops, null)
      expect(await ledger.outbox.sendable(monday, 10)).toEqual([first])
    })

    it('offers of a campaign no more than it has room for, and of the others the rest', async () => {
      const { ledger } = current()
      const many = await seedPending(ledger, 3, { campaign: 'many', stage: '1d' })
      const some = await seedPending(ledger, 2, { campaign: 'some', stage: '7d' })
      const [most = ''] = await seedPending(ledger, 1, { campaign: 'most', stage: 'expired' })
      const rooms = new Map([
        ['many', 2],
        ['most', 0],
      ])
      const offered = await ledger.outbox.sendable(monday, 10, { rooms })
      expect(offered).toEqual([...offered.slice(0, 2), ...some.sort()])
      expect(many).toEqual(expect.arrayContaining(offered.slice(0, 2)))
      expect(await ledger.outbox.sendable(monday, 3, { rooms })).toEqual(offered.slice(0, 3))
      expect(await ledger.outbox.sendable(monday, 10, { rooms, campaign: 'most' })).toEqual([])
      expect(await ledger.outbox.sendable(monday, 10, { campaign: 'most' })).toEqual([most])
    })

    it('tells what room the claims so far have left under each limit', async () => {
      const { ledger } = current()
      const [first = '', second = ''] = await seedPending(ledger, 2)
      const hour = { bucket: 'soft-pin:hour:1', max: 10 }
      const day = { bucket: 'soft-pin:day:1', max: 3 }
      const limits = new Map([
        ['soft-pin', [hour, day]],
        ['other', [{ bucket: 'other:hour:1', max: 5 }]],
      ])
      const rooms = async () => [...(await ledger.outbox.rooms(limits))]
      expect(await rooms()).toEqual([
        ['soft-pin', 3],
        ['other', 5],
      ])
      await claimed(ledger, first, { limits: [hour, day] })
      await claimed(ledger, second, { limits: [{ ...hour, max: 100 }, day] })
      expect(await rooms()).toContainEqual(['soft-pin', 1])
      limits.set('soft-pin', [hour, { ...day, max: 1 }])
      expect(await rooms(), 'a limit that was lowered').toContainEqual(['soft-pin', 0])
      expect([...(await ledger.outbox.rooms(new Map()))]).toEqual([])
    })

    it('offers and loads only what is pending', async () => {
      const { ledger } = current()
      const [taken = '', free = ''] = await seedPending(ledger, 2)
      await claimed(ledger, taken)
      expect(await ledger.outbox.sendable(monday, 10)).toEqual([free])
      expect(await ledger.outbox.load(taken)).toBeNull()
      expect(await ledger.outbox.load('unknown')).toBeNull()
    })

    it("loads a message with its open reminders and its campaign's present edition", async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1, { pinsEach: 3 })
      await test.ledger.editions.enable(editionOf('soft-pin', 'Other words'), ops)
      await test.tamper(`update reminder set outcome = 'skipped', reason = 'reset' where pin_id like '%-2'`)
      const found = await test.ledger.outbox.load(id)
      expect(found).toMatchObject({
        id,
        campaign: 'soft-pin',
        address: 'soft-pin-0@example.com',
        recipientKey: test.ledger.recipientKey('soft-pin-0@example.com'),
        notBefore: monday,
        editionHash: editionOf('soft-pin', 'Other words').hash,
      })
      expect(found?.reminders.map((one) => one.pinId).sort()).toEqual(['soft-pin-0-0', 'soft-pin-0-1'])
      expect(found?.reminders[0]).toMatchObject({ version: 'v1', stage: '7d', messageId: id, dueAt: monday })
    })

    it('prunes what is not right any more, takes out what belongs elsewhere, and ranks by what is left', async () => {
      const test = current()
      const id = await seedMixed(test)
      const found = await test.ledger.outbox.load(id)
      const of = (stage: string) => found?.reminders.find((one) => one.stage === stage)?.id ?? ''
      const skips = [{ id: of('expired'), reason: 'reset' as const }]
      await test.ledger.outbox.prune(id, { skips, releases: [of('1d')] }, monday + 1)

      const detail = await test.ledger.reports.message(id)
      expect(detail).toMatchObject({ state: 'pending', stage: '7d' })
      expect(await test.look('select priority from message')).toEqual([{ priority: 7 }])
      expect(await test.look(`select outcome, reason, decided_at from reminder where id = '${of('expired')}'`)).toEqual(
        [{ outcome: 'skipped', reason: 'reset', decided_at: monday + 1 }],
      )
      const released = (await openOf(test.ledger, 'soft-pin')).filter((one) => one.messageId === null)
      expect(released.map((one) => one.id)).toEqual([of('1d')])
    })

    it.each(['skips', 'releases'] as const)('skips a message whose last reminder it %s', async (how) => {
      const { ledger } = current()
      const [id = ''] = await seedPending(ledger, 1)
      const reminderId = (await ledger.outbox.load(id))?.reminders[0]?.id ?? ''
      const change =
        how === 'skips'
          ? { skips: [{ id: reminderId, reason: 'gone' as const }], releases: [] }
          : { skips: [], releases: [reminderId] }
      await ledger.outbox.prune(id, change, monday + 1)
      expect(await ledger.reports.message(id)).toMatchObject({ state: 'skipped' })
    })

    it('prunes nothing of a message that was claimed meanwhile, nor of another message', async () => {
      const test = current()
      const [taken = '', free = ''] = await seedPending(test.ledger, 2)
      const ids = (await openOf(test.ledger, 'soft-pin')).map((one) => one.id)
      await claimed(test.ledger, taken)
      const before = await test.look('select * from reminder order by id')
      const ofTaken = await test.look(`select id from reminder where message_id = '${taken}'`)
      const skips = ids.map((id) => ({ id, reason: 'gone' as const }))
      await test.ledger.outbox.prune(taken, { skips, releases: ids }, monday)
      await test.ledger.outbox.prune(free, { skips: [], releases: ofTaken.map((one) => String(one.id)) }, monday)
      expect(await test.look('select * from reminder order by id')).toEqual(before)
    })

    it('moves a pending message to a later opening, never to an earlier one, and says why it waits', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      const tomorrow = { notBefore: monday + dayMs, notAfter: monday + dayMs + hourMs, wait: 'cap' as const }
      await test.ledger.outbox.defer(id, tomorrow)
      const moved = await test.ledger.reports.message(id)
      expect(moved).toMatchObject({ notBefore: monday + dayMs, wait: 'cap', state: 'pending' })
      await test.ledger.outbox.defer(id, { ...tomorrow, notBefore: monday, wait: 'window' })
      expect(await test.ledger.reports.message(id)).toEqual(moved)
    })

    it('does not defer a message that was claimed meanwhile', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      await claimed(test.ledger, id)
      const before = await test.look('select * from message')
      await test.ledger.outbox.defer(id, { notBefore: monday + dayMs, notAfter: null, wait: 'cap' })
      expect(await test.look('select * from message')).toEqual(before)
    })
  })
}

/** One message with reminders of three stages. */
async function seedMixed({ ledger }: TestLedger): Promise<string> {
  const address = 'one@example.com'
  const stages = ['expired', '1d', '7d'] as const
  await ledger.editions.enable(editionOf('soft-pin'), ops)
  const inserts = stages.map((stage) => reminderOf(ledger, `pin-${stage}`, { stage, address }))
  await ledger.plans.write('soft-pin', { inserts, reopens: [] }, monday)
  const drafts = [draftOf(ledger, address, await openOf(ledger, 'soft-pin'))]
  await ledger.plans.assemble('soft-pin', { skips: [], drafts }, monday)
  return (await openOf(ledger, 'soft-pin'))[0]?.messageId ?? ''
}
