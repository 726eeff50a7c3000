import { expect, it } from 'vitest'
import type { LetterValues } from '#core/letter.ts'
import { addAttempt, dayMs, hourMs, monday, openOf, ops, reminderOf, seedPending } from '../fixtures.ts'
import type { LedgerHarness } from '../harness.ts'
import { describeLedger } from './describe-ledger.ts'

const none = { pending: 0, sending: 0, sent: 0, in_doubt: 0, failed: 0, skipped: 0 }

export function reportsConformance(harness: LedgerHarness): void {
  describeLedger('reports', harness, (current) => {
    it('counts messages by campaign and state', async () => {
      const test = current()
      expect(await test.ledger.reports.countsByCampaign()).toEqual(new Map())
      const [a = '', b = '', c = ''] = await seedPending(test.ledger, 4, { campaign: 'x' })
      await seedPending(test.ledger, 2, { campaign: 'y' })
      await test.tamper(`update message set state = 'sent' where id in ('${a}', '${b}')`)
      await test.tamper(`update message set state = 'in_doubt' where id = '${c}'`)
      expect(await test.ledger.reports.countsByCampaign()).toEqual(
        new Map([
          ['x', { ...none, pending: 1, sent: 2, in_doubt: 1 }],
          ['y', { ...none, pending: 2 }],
        ]),
      )
    })

    it('tells why pending messages wait, and until when', async () => {
      const test = current()
      const ids = await seedPending(test.ledger, 8, { campaign: 'x', notAfter: monday + 8 * hourMs })
      await seedPending(test.ledger, 1, { campaign: 'y', notBefore: monday + 3 * hourMs })
      const change = (n: number, set: string) => test.tamper(`update message set ${set} where id = '${ids[n]}'`)
      await change(0, `not_before = ${monday + 2 * hourMs}, wait = 'cap'`)
      await change(1, `not_before = ${monday + hourMs}, wait = 'cap'`)
      await change(2, `not_before = ${monday + 1}, wait = 'back-off'`)
      await change(3, `not_before = ${monday}, wait = 'back-off'`)
      await change(4, `not_after = ${monday}`)
      await change(5, `not_after = ${monday + 1}`)
      await change(6, `state = 'sent'`)

      expect(await test.ledger.reports.waiting(monday)).toEqual([
        { campaign: 'x', why: 'back-off', messages: 1, nextAt: monday + 1 },
        { campaign: 'x', why: 'cap', messages: 2, nextAt: monday + hourMs },
        { campaign: 'x', why: 'ready', messages: 3, nextAt: monday },
        { campaign: 'x', why: 'window', messages: 1, nextAt: monday },
        { campaign: 'y', why: 'window', messages: 1, nextAt: monday + 3 * hourMs },
      ])
    })

    it('counts what was decided from an instant on, by outcome and reason', async () => {
      const test = current()
      const { ledger } = test
      const skip = (n: number, reason: 'reset' | 'gone') => reminderOf(ledger, `s${n}`, { skip: reason })
      await ledger.plans.write('x', { inserts: [skip(1, 'reset')], reopens: [] }, monday - 1)
      const decided = [skip(2, 'reset'), skip(3, 'gone'), skip(4, 'reset'), reminderOf(ledger, 'open')]
      await ledger.plans.write('x', { inserts: decided, reopens: [] }, monday)
      await ledger.plans.write('y', { inserts: [skip(1, 'gone'), reminderOf(ledger, 'p1')], reopens: [] }, monday)
      await test.tamper(
        `update reminder set outcome = 'sent', decided_at = ${monday + 1} where campaign = 'y' and pin_id = 'p1'`,
      )

      expect(await ledger.reports.decidedSince(['x'], monday)).toEqual([
        { outcome: 'skipped', reason: 'gone', reminders: 1 },
        { outcome: 'skipped', reason: 'reset', reminders: 2 },
      ])
      expect(await ledger.reports.decidedSince(['x', 'y'], monday + 1)).toEqual([
        { outcome: 'sent', reason: null, reminders: 1 },
      ])
      expect(await ledger.reports.decidedSince([], 0)).toEqual([])
    })

    it('counts open reminders, those in doubt apart', async () => {
      const test = current()
      expect(await test.ledger.reports.openReminders()).toEqual({ pending: 0, inDoubt: 0 })
      const [doubtful = '', sending = ''] = await seedPending(test.ledger, 3, { pinsEach: 2 })
      const inserts = [reminderOf(test.ledger, 'homeless'), reminderOf(test.ledger, 'decided', { skip: 'gone' })]
      await test.ledger.plans.write('soft-pin', { inserts, reopens: [] }, monday)
      await test.tamper(`update message set state = 'in_doubt' where id = '${doubtful}'`)
      await test.tamper(`update message set state = 'sending' where id = '${sending}'`)
      expect(await test.ledger.reports.openReminders()).toEqual({ pending: 5, inDoubt: 2 })
    })

    it('tells the age of the oldest doubt in database time', async () => {
      const test = current()
      const [a = '', b = '', settled = ''] = await seedPending(test.ledger, 3)
      expect(await test.ledger.reports.oldestDoubtSeconds()).toBeNull()
      const now = await test.ledger.databaseNow()
      const since = (id: string, at: number, state = 'in_doubt') =>
        test.tamper(`update message set state = '${state}', doubt_since_database_at = ${at} where id = '${id}'`)
      await since(a, now - 10_000)
      await since(b, now)
      await since(settled, now - 99_000, 'sent')
      test.shiftDatabaseTime(3_600_000)
      const seconds = await test.ledger.reports.oldestDoubtSeconds()
      expect(seconds).toBeGreaterThanOrEqual(3610)
      expect(seconds).toBeLessThan(3670)
    })

    it('tells since when the message that is first in line could have gone, by campaign and stage', async () => {
      const test = current()
      const { reports } = test.ledger
      expect(await reports.oldestDue(monday)).toEqual([])
      const at = monday - dayMs
      const ids = await seedPending(test.ledger, 5, { campaign: 'x', at, notBefore: monday + hourMs })
      // In an opening that had begun when it was assembled.
      await seedPending(test.ledger, 2, { campaign: 'y', at, notBefore: at - hourMs })
      await seedPending(test.ledger, 1, { campaign: 'z', at, notBefore: monday, notAfter: monday + hourMs })
      await test.ledger.gates.close('*', ops)
      const change = (n: number, set: string) => test.tamper(`update message set ${set} where id = '${ids[n]}'`)
      const expired = `stage = 'expired', priority = 0`
      await change(0, `${expired}, not_before = ${monday}`)
      await change(1, `${expired}, not_before = ${monday - 1}`)
      await change(2, `${expired}, not_before = ${monday - 2}, state = 'sending'`)
      await change(3, `${expired}, not_before = ${monday - 3}, not_after = ${monday}`)

      const dueAtMonday = [
        { campaign: 'x', stage: 'expired', since: monday - 1 },
        { campaign: 'y', stage: '7d', since: at },
        { campaign: 'z', stage: '7d', since: monday },
      ]
      expect(await reports.oldestDue(at - hourMs - 1)).toEqual([])
      expect(await reports.oldestDue(at)).toEqual([dueAtMonday[1]])
      expect(await reports.oldestDue(monday)).toEqual(dueAtMonday)
      expect(await reports.oldestDue(monday + hourMs)).toEqual([
        dueAtMonday[0],
        { campaign: 'x', stage: '7d', since: monday + hourMs },
        dueAtMonday[1],
      ])
    })

    it('counts the calls of the last moments in database time, not those that never began', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      await addAttempt(test, id, { ended: true })
      test.shiftDatabaseTime(3_600_000)
      await addAttempt(test, id)
      await addAttempt(test, id, { ended: true })
      const neverBegan = await addAttempt(test, id, { ended: true })
      await test.tamper(`update attempt set began_at = null where number = ${neverBegan}`)
      expect(await test.ledger.reports.callsInLast(1_800_000)).toBe(2)
      expect(await test.ledger.reports.callsInLast(7_200_000)).toBe(3)
    })

    it('lists messages newest first, by state and campaign, and says when there are more', async () => {
      const test = current()
      const older = await seedPending(test.ledger, 2, { campaign: 'x', at: monday - 1 })
      const [newest = ''] = await seedPending(test.ledger, 1, { campaign: 'y' })
      await addAttempt(test, newest)
      await test.tamper(`update message set state = 'sent' where id = '${newest}'`)

      const { reports } = test.ledger
      const everything = await reports.messages({ limit: 3 })
      expect(everything.truncated).toBe(false)
      expect(everything.rows.map((row) => row.id)).toEqual([newest, ...older.toSorted().reverse()])
      expect(everything.rows[0]).toMatchObject({ campaign: 'y', stage: '7d', state: 'sent', attempts: 1 })
      expect(await reports.messages({ limit: 2 })).toMatchObject({ truncated: true, rows: [{ id: newest }, {}] })
      expect((await reports.messages({ campaign: 'x', state: 'pending', limit: 9 })).rows).toHaveLength(2)
      expect((await reports.messages({ campaign: 'x', state: 'sent', limit: 9 })).rows).toEqual([])
    })

    it('finds a message by its id, or by its reference in any spelling', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 2, { pinsEach: 2 })
      const attempt = await addAttempt(test, id)
      const { reports } = test.ledger
      const found = await reports.message(id)
      expect(found).toMatchObject({
        id,
        state: 'pending',
        address: 'soft-pin-0@example.com',
        attempts: 1,
        values: null,
      })
      expect(found?.reminders.map((one) => one.pinId).sort()).toEqual(['soft-pin-0-0', 'soft-pin-0-1'])
      expect(found?.attemptList).toMatchObject([
        { number: attempt, messageId: id, campaign: 'soft-pin', worker: { host: 'host', pid: 1 }, outcome: null },
      ])

      const reference = found?.reference ?? ''
      for (const spelling of [
        reference,
        reference.toLowerCase(),
        ` ${reference.replaceAll('-', ' ')} `,
        id.toLowerCase(),
      ]) {
        expect(await reports.message(spelling)).toEqual(found)
      }
      expect(await reports.message('0000-0000-0001')).toBeNull()
      expect(await reports.message('')).toBeNull()
    })

    it('forgets the addresses of messages that were decided long ago, and of no others', async () => {
      const test = current()
      const ids = await seedPending(test.ledger, 6)
      const states = ['sent', 'failed', 'skipped', 'in_doubt', 'pending']
      const values: Partial<LetterValues> = { name: 'Ann', to: 'soft-pin-0@example.com' }
      for (const [n, state] of states.entries()) {
        await test.tamper(`update message set state = '${state}', updated_at = ${monday - 1} where id = '${ids[n]}'`)
      }
      await test.tamper(`update message set state = 'sent', updated_at = ${monday} where id = '${ids[5]}'`)
      await test.tamper(`update message set render_values = '${JSON.stringify(values)}'`)

      expect(await test.ledger.reports.forgetAddresses(monday)).toBe(3)
      expect(await test.ledger.reports.forgetAddresses(monday)).toBe(0)
      const kept = await Promise.all(ids.map((id) => test.ledger.reports.message(id)))
      expect(kept.map((one) => one?.address !== null)).toEqual([false, false, false, true, true, true])
      expect(kept.map((one) => one?.values !== null)).toEqual([false, false, false, true, true, true])
      expect(kept[0]?.reminders).toHaveLength(1)
    })

    it('forgets at most a thousand addresses at once', async () => {
      const test = current()
      await seedPending(test.ledger, 1_001)
      await test.tamper(`update message set state = 'sent'`)
      expect(await test.ledger.reports.forgetAddresses(monday + dayMs)).toBe(1_000)
      expect(await test.ledger.reports.forgetAddresses(monday + dayMs)).toBe(1)
      expect(await openOf(test.ledger, 'soft-pin')).toEqual([])
    })
  })
}
