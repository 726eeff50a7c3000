import { expect, it } from 'vitest'
import { addAttempt, dayMs, monday, openOf, reminderOf, seedPending } from '../fixtures.ts'
import type { LedgerHarness } from '../harness.ts'
import { describeLedger } from './describe-ledger.ts'

export function historyConformance(harness: LedgerHarness): void {
  describeLedger('a history', harness, (current) => {
    it('is empty for what the ledger never heard of', async () => {
      const { ledger } = current()
      const { reports } = ledger
      const empty = { reminders: [], messages: [], truncated: false }
      expect(await reports.history({ pinId: 'nobody' })).toEqual(empty)
      expect(await reports.history({ recipientKey: ledger.recipientKey('nobody@example.com') })).toEqual(empty)
      expect(await reports.history({ messageId: 'none' })).toEqual(empty)
    })

    it('of a PIN holds its reminders of all campaigns, versions and stages, and the messages that they are in', async () => {
      const test = current()
      const { ledger } = test
      const [inX = ''] = await seedPending(ledger, 2, { campaign: 'x' })
      await seedPending(ledger, 1, { campaign: 'y' })
      const older = reminderOf(ledger, 'x-0-0', { version: 'v0', stage: '30d', skip: 'reset' })
      await ledger.plans.write('y', { inserts: [older], reopens: [] }, monday + dayMs)

      const history = await ledger.reports.history({ pinId: 'x-0-0' })
      expect(history.reminders).toMatchObject([
        { campaign: 'x', pinId: 'x-0-0', version: 'v1', stage: '7d', outcome: null, messageId: inX, createdAt: monday },
        {
          campaign: 'y',
          version: 'v0',
          outcome: 'skipped',
          reason: 'reset',
          messageId: null,
          decidedAt: monday + dayMs,
        },
      ])
      expect(history.messages).toMatchObject([{ id: inX, campaign: 'x', stage: '7d', state: 'pending', attempts: [] }])
      expect(history.truncated).toBe(false)
    })

    it('of a recipient holds all that was meant for one address', async () => {
      const { ledger } = current()
      const [first = ''] = await seedPending(ledger, 2, { campaign: 'x', pinsEach: 2 })
      const history = await ledger.reports.history({ recipientKey: ledger.recipientKey('X-0@example.com') })
      expect(history.reminders.map(({ pinId }) => pinId).sort()).toEqual(['x-0-0', 'x-0-1'])
      expect(history.messages.map(({ id }) => id)).toEqual([first])
    })

    it('of a message holds its reminders and its attempts, also when no reminder is left in it', async () => {
      const test = current()
      const [id = '', emptied = ''] = await seedPending(test.ledger, 2, { pinsEach: 2 })
      const number = await addAttempt(test, id, { ended: true })
      await test.tamper(`update attempt set code = 'Throttling' where number = ${number}`)
      await test.tamper(`update reminder set message_id = null where message_id = '${emptied}'`)

      const { reminders, messages } = await test.ledger.reports.history({ messageId: id })
      expect(reminders).toHaveLength(2)
      expect(messages).toMatchObject([{ id, attempts: [{ number, outcome: 'accepted', code: 'Throttling' }] }])
      expect(await test.ledger.reports.history({ messageId: emptied })).toMatchObject({
        reminders: [],
        messages: [{ id: emptied }],
      })
    })

    it('holds the thousand newest reminders, and says when there are older ones', async () => {
      const test = current()
      const { ledger } = test
      await seedPending(ledger, 1)
      const write = async (from: number, count: number) => {
        const inserts = Array.from({ length: count }, (_, n) => reminderOf(ledger, 'many', { version: `v${from + n}` }))
        await ledger.plans.write('soft-pin', { inserts, reopens: [] }, monday)
      }
      await write(0, 1_000)
      expect(await ledger.reports.history({ pinId: 'many' })).toMatchObject({ truncated: false })
      test.shiftDatabaseTime(1_000)
      await write(1_000, 1)
      const { reminders, truncated } = await ledger.reports.history({ pinId: 'many' })
      expect(reminders).toHaveLength(1_000)
      expect(reminders.at(-1)?.version).toBe('v1000')
      expect(truncated).toBe(true)
      expect(await openOf(ledger, 'soft-pin')).toHaveLength(1_002)
    })
  })
}
