import { expect, it } from 'vitest'
import type { Draft } from '#core/assembly.ts'
import type { NewReminder, SkipReason } from '#core/reminder.ts'
import type { AssemblyResult, Ledger } from '#ledger/ledger.ts'
import { dayMs, draftOf, hourMs, monday, openOf, reminderOf } from '../fixtures.ts'
import type { LedgerHarness } from '../harness.ts'
import { describeLedger } from './describe-ledger.ts'

const campaign = 'soft-pin'
const ann = 'ann@example.com'
const bob = 'bob@example.com'
const nothing: AssemblyResult = { created: 0, joined: 0, waiting: 0, skipped: {}, emptied: 0 }
const nextTick = monday + hourMs / 4

export function assemblyConformance(harness: LedgerHarness): void {
  describeLedger('assembly', harness, (current) => {
    it('puts all reminders to one address into one message, of the most urgent stage', async () => {
      const { ledger } = current()
      await plan(ledger, [
        ['p1', { stage: '14d' }],
        ['p2', { stage: 'expired' }],
        ['p3', { stage: '1d' }],
      ])
      const draft = { locale: 'de', timeZone: 'Europe/Berlin', notAfter: monday + 7 * hourMs }
      expect(await assembleTo(ledger, ann, draft)).toEqual({ ...nothing, created: 1 })

      const [message] = await messages(ledger)
      expect(message).toMatchObject({ campaign, stage: 'expired', state: 'pending', address: ann, notBefore: monday })
      expect(message?.reminders.map((one) => one.pinId).sort()).toEqual(['p1', 'p2', 'p3'])
      expect(message?.reference).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/)
      expect(await current().look('select priority, locale, time_zone, not_after from message')).toEqual([
        { priority: 0, locale: 'de', time_zone: 'Europe/Berlin', not_after: monday + 7 * hourMs },
      ])
    })

    it('says that a message waits for its window when that opens later', async () => {
      const { ledger } = current()
      await plan(ledger, [['p1', {}]])
      await assembleTo(ledger, ann, { notBefore: monday + hourMs })
      expect(await messages(ledger)).toMatchObject([{ wait: 'window', notBefore: monday + hourMs }])
    })

    it('does nothing the second time', async () => {
      const test = current()
      await plan(test.ledger, [['p1', {}]])
      await assembleTo(test.ledger, ann)
      const before = await test.look('select * from message')
      expect(await assembleTo(test.ledger, ann, {}, nextTick)).toEqual(nothing)
      expect(await test.look('select * from message')).toEqual(before)
    })

    it('joins a pending message, which becomes as urgent as its most urgent reminder', async () => {
      const { ledger } = current()
      await plan(ledger, [['p1', { stage: '14d' }]])
      await assembleTo(ledger, ann, { notBefore: monday + hourMs })
      await plan(ledger, [['p2', { stage: '1d' }]])
      const result = await assembleTo(ledger, ann, { notBefore: monday + 2 * hourMs }, nextTick)

      expect(result).toEqual({ ...nothing, joined: 1 })
      const [message, ...others] = await messages(ledger)
      expect(others).toEqual([])
      expect(message).toMatchObject({ stage: '1d', notBefore: monday + hourMs })
      expect(message?.reminders).toHaveLength(2)
    })

    it('takes two spellings of an address for one recipient, and keeps the first', async () => {
      const { ledger } = current()
      await plan(ledger, [['p1', { address: 'ANN@example.com' }]])
      await assembleTo(ledger, 'ANN@example.com')
      await plan(ledger, [['p2', {}]])
      expect(await assembleTo(ledger, ann)).toMatchObject({ created: 0, joined: 1 })
      expect(await messages(ledger)).toMatchObject([{ address: 'ANN@example.com' }])
    })

    it('keeps campaigns apart', async () => {
      const { ledger } = current()
      await plan(ledger, [['p1', {}]])
      await assembleTo(ledger, ann)
      await ledger.plans.write('other', { inserts: [reminderOf(ledger, 'p1', { address: ann })], reopens: [] }, monday)
      const foreign = await openOf(ledger, 'other')
      const page = { skips: [], drafts: [draftOf(ledger, ann, foreign)] }
      expect(await ledger.plans.assemble(campaign, page, monday)).toMatchObject({ created: 0, joined: 0 })
      expect(await ledger.plans.assemble('other', page, monday)).toMatchObject({ created: 1, joined: 0 })
    })

    it('makes one message when two processes assemble at once', async () => {
      const test = current()
      const other = await test.reopen()
      await plan(test.ledger, [
        ['p1', {}],
        ['p2', { stage: '1d' }],
      ])
      const open = await openOf(test.ledger, campaign)
      const results = await Promise.all(
        [test, other, test, other].map(({ ledger }) =>
          ledger.plans.assemble(campaign, { skips: [], drafts: [draftOf(ledger, ann, open)] }, monday),
        ),
      )
      expect(results.filter((one) => one.created === 1)).toHaveLength(1)
      expect(await messages(test.ledger)).toHaveLength(1)
    })

    it('takes a draft that came in two parts as one message', async () => {
      const { ledger } = current()
      await plan(ledger, [
        ['p1', {}],
        ['p2', {}],
      ])
      const drafts = (await openOf(ledger, campaign)).map((one) => draftOf(ledger, ann, [one]))
      expect(await ledger.plans.assemble(campaign, { skips: [], drafts }, monday)).toMatchObject({
        created: 1,
        joined: 1,
      })
      expect(await messages(ledger)).toHaveLength(1)
    })

    it('waits while a message to the address is sending, and starts another afterwards', async () => {
      const test = current()
      await plan(test.ledger, [['p1', {}]])
      await assembleTo(test.ledger, ann)
      await test.tamper(`update message set state = 'sending'`)
      await plan(test.ledger, [
        ['p2', {}],
        ['p3', {}],
      ])
      const waiting = { ...nothing, waiting: 2 }
      expect(await assembleTo(test.ledger, ann, {}, nextTick)).toEqual(waiting)
      expect(await messages(test.ledger)).toHaveLength(1)

      await test.tamper(`update message set state = 'in_doubt'`)
      expect(await assembleTo(test.ledger, ann, {}, nextTick)).toMatchObject({ created: 1, waiting: 0 })
      const [created, doubtful] = await messages(test.ledger)
      expect(created?.reminders.map((one) => one.pinId).sort()).toEqual(['p2', 'p3'])
      expect(doubtful?.reminders.map((one) => one.pinId)).toEqual(['p1'])
    })

    for (const state of ['sending', 'in_doubt', 'sent'] as const) {
      it(`leaves a reminder alone whose message became ${state} after it was read`, async () => {
        const test = current()
        await plan(test.ledger, [['p1', {}]])
        await assembleTo(test.ledger, ann)
        const open = await openOf(test.ledger, campaign)
        await test.tamper(`update message set state = '${state}'`)
        const before = await test.look('select * from reminder')

        const skips = open.map(({ id }) => ({ id, reason: 'superseded' as const }))
        const page = { skips, drafts: [draftOf(test.ledger, bob, open)] }
        expect(await test.ledger.plans.assemble(campaign, page, nextTick)).toEqual(nothing)
        expect(await test.look('select * from reminder')).toEqual(before)
        expect(await messages(test.ledger)).toMatchObject([{ state, address: ann }])
        expect(await openOf(test.ledger, campaign)).toEqual([])
      })
    }

    it('leaves a reminder alone that was decided after it was read', async () => {
      const test = current()
      await plan(test.ledger, [['p1', {}]])
      const open = await openOf(test.ledger, campaign)
      await test.tamper(`update reminder set outcome = 'skipped', reason = 'suppressed', decided_at = 5`)
      const skips = open.map(({ id }) => ({ id, reason: 'gone' as const }))
      const result = await test.ledger.plans.assemble(
        campaign,
        { skips, drafts: [draftOf(test.ledger, ann, open)] },
        nextTick,
      )
      expect(result).toEqual(nothing)
      expect(await test.ledger.plans.known(campaign, ['p1'])).toMatchObject([{ reason: 'suppressed' }])
    })

    it('moves a reminder whose address changed, and skips the message that it leaves empty', async () => {
      const { ledger } = current()
      await plan(ledger, [['p1', {}]])
      await assembleTo(ledger, ann)
      expect(await assembleTo(ledger, bob, {}, nextTick)).toEqual({ ...nothing, created: 1, emptied: 1 })

      const [toBob, toAnn] = await messages(ledger)
      expect(toBob).toMatchObject({ address: bob, state: 'pending', reminders: [{ pinId: 'p1', outcome: null }] })
      expect(toAnn).toMatchObject({ address: ann, state: 'skipped', reminders: [] })
      expect(await openOf(ledger, campaign)).toMatchObject([
        { pinId: 'p1', recipientKey: ledger.recipientKey(bob), messageId: toBob?.id },
      ])
    })

    it('leaves the message to the old address with the reminders that stay', async () => {
      const { ledger } = current()
      await plan(ledger, [
        ['p1', { stage: '1d' }],
        ['p2', { stage: '14d' }],
      ])
      await assembleTo(ledger, ann)
      const moved = (await openOf(ledger, campaign)).filter((one) => one.pinId === 'p1')
      await ledger.plans.assemble(campaign, { skips: [], drafts: [draftOf(ledger, bob, moved)] }, nextTick)

      const [toBob, toAnn] = await messages(ledger)
      expect(toBob).toMatchObject({ address: bob, stage: '1d', reminders: [{ pinId: 'p1' }] })
      expect(toAnn).toMatchObject({ address: ann, stage: '14d', state: 'pending', reminders: [{ pinId: 'p2' }] })
    })

    it('sends nothing to the old address while a message to the new one is sending', async () => {
      const test = current()
      await plan(test.ledger, [['p1', { address: bob }]])
      await assembleTo(test.ledger, bob)
      await test.tamper(`update message set state = 'sending'`)
      await plan(test.ledger, [['p2', {}]])
      await assembleTo(test.ledger, ann, {}, nextTick)

      expect(await assembleTo(test.ledger, bob, {}, nextTick)).toEqual({ ...nothing, waiting: 1, emptied: 1 })
      expect(await messages(test.ledger)).toMatchObject([
        { address: ann, state: 'skipped', reminders: [] },
        { address: bob, state: 'sending' },
      ])
      expect(await openOf(test.ledger, campaign)).toMatchObject([{ pinId: 'p2', messageId: null }])
    })

    it('brings two pending messages to one address together', async () => {
      const test = current()
      await plan(test.ledger, [['p1', {}]])
      await assembleTo(test.ledger, ann)
      await test.tamper(`update message set state = 'in_doubt'`)
      await plan(test.ledger, [['p2', {}]])
      await assembleTo(test.ledger, ann, {}, nextTick)
      await test.tamper(`update message set state = 'pending'`)

      expect(await assembleTo(test.ledger, ann, {}, nextTick + 1)).toEqual({ ...nothing, joined: 1, emptied: 1 })
      const [younger, older] = await messages(test.ledger)
      expect(younger).toMatchObject({ state: 'skipped', reminders: [] })
      expect(older?.reminders.map((one) => one.pinId).sort()).toEqual(['p1', 'p2'])
    })

    it('decides skips with their reasons, and skips the message that has none left', async () => {
      const { ledger } = current()
      await plan(ledger, [
        ['p1', { stage: '1d' }],
        ['p2', { stage: '7d' }],
      ])
      await assembleTo(ledger, ann)
      expect(await skip(ledger, 'p1', 'reset')).toEqual({ ...nothing, skipped: { reset: 1 } })
      expect(await messages(ledger)).toMatchObject([{ state: 'pending', stage: '7d' }])

      expect(await skip(ledger, 'p2', 'revoked')).toEqual({ ...nothing, skipped: { revoked: 1 }, emptied: 1 })
      const [message] = await messages(ledger)
      expect(message).toMatchObject({ state: 'skipped' })
      expect(message?.reminders).toContainEqual(
        expect.objectContaining({ pinId: 'p2', outcome: 'skipped', reason: 'revoked', decidedAt: nextTick }),
      )
      expect(await openOf(ledger, campaign)).toEqual([])
    })

    it('joins a message that the same page leaves empty otherwise', async () => {
      const { ledger } = current()
      await plan(ledger, [['p1', { stage: '14d' }]])
      await assembleTo(ledger, ann)
      await plan(ledger, [['p1', { stage: '7d' }]])
      const [wide, near] = (await openOf(ledger, campaign)).toSorted((a) => (a.stage === '14d' ? -1 : 1))
      if (wide === undefined || near === undefined) throw new Error('two reminders were planned')
      const page = { skips: [{ id: wide.id, reason: 'superseded' as const }], drafts: [draftOf(ledger, ann, [near])] }
      expect(await ledger.plans.assemble(campaign, page, nextTick)).toEqual({
        ...nothing,
        joined: 1,
        skipped: { superseded: 1 },
      })
      expect(await messages(ledger)).toMatchObject([{ state: 'pending', stage: '7d' }])
    })

    it('assembles a reopened reminder anew, after its message was skipped', async () => {
      const { ledger } = current()
      await plan(ledger, [['p1', {}]])
      await assembleTo(ledger, ann)
      await skip(ledger, 'p1', 'gone')
      const reopens = (await ledger.plans.known(campaign, ['p1'])).map((one) => one.id)
      await ledger.plans.write(campaign, { inserts: [], reopens }, nextTick)

      expect(await assembleTo(ledger, ann, {}, nextTick + 1)).toMatchObject({ created: 1 })
      expect(await messages(ledger)).toMatchObject([
        { state: 'pending', reminders: [{ pinId: 'p1', outcome: null, decidedAt: null }] },
        { state: 'skipped', reminders: [] },
      ])
    })

    it('moves a pending message to the next opening when its own has passed, and not before', async () => {
      const { ledger } = current()
      const end = monday + 7 * hourMs
      const tomorrow = { notBefore: monday + dayMs, notAfter: end + dayMs }
      await plan(ledger, [['p1', {}]])
      await assembleTo(ledger, ann, { notAfter: end })
      await assembleTo(ledger, ann, tomorrow, end - 1)
      expect(await messages(ledger)).toMatchObject([{ notBefore: monday }])

      await assembleTo(ledger, ann, tomorrow, end)
      expect(await messages(ledger)).toMatchObject([{ notBefore: monday + dayMs, wait: 'window' }])
      expect(await current().look('select not_after from message')).toEqual([{ not_after: end + dayMs }])
    })

    it('brings a message forward whose window opens earlier by now, and no message that waits for something else', async () => {
      const { ledger } = current()
      const tomorrow = { notBefore: monday + dayMs }
      await plan(ledger, [['p1', {}]])
      await assembleTo(ledger, ann, tomorrow)
      expect(await messages(ledger)).toMatchObject([{ notBefore: monday + dayMs, wait: 'window' }])
      await assembleTo(ledger, ann, { notBefore: monday })
      expect(await messages(ledger)).toMatchObject([{ notBefore: monday, wait: null }])

      const [only] = await messages(ledger)
      await ledger.outbox.defer(only?.id ?? '', { notBefore: monday + dayMs, notAfter: null, wait: 'cap' })
      await assembleTo(ledger, ann, { notBefore: monday })
      expect(await messages(ledger)).toMatchObject([{ notBefore: monday + dayMs, wait: 'cap' }])
    })

    it('assembles many recipients page by page', async () => {
      const { ledger } = current()
      const inserts = Array.from({ length: 1_200 }, (_, n) =>
        reminderOf(ledger, `p${n}`, { address: `holder-${n % 400}@example.com` }),
      )
      await ledger.plans.write(campaign, { inserts, reopens: [] }, monday)
      let created = 0
      let after = null
      for (;;) {
        const page = await ledger.plans.open(campaign, after, 250)
        const drafts = [...Map.groupBy(page, (one) => one.recipientKey)].map(([recipientKey, reminders]) => ({
          ...draftOf(ledger, 'unused@example.com', reminders),
          address: `${recipientKey}@example.com`,
          recipientKey,
        }))
        created += (await ledger.plans.assemble(campaign, { skips: [], drafts }, monday)).created
        after = page.at(-1) ?? null
        if (after === null) break
      }
      expect(created).toBe(400)
      const held = Map.groupBy(await openOf(ledger, campaign), (one) => one.messageId)
      expect(held.size).toBe(400)
      expect([...held.values()].every((reminders) => reminders.length === 3)).toBe(true)
    })
  })
}

async function plan(ledger: Ledger, rows: [string, Partial<NewReminder> & { address?: string }][]): Promise<void> {
  const inserts = rows.map(([pinId, more]) => reminderOf(ledger, pinId, { address: ann, ...more }))
  await ledger.plans.write(campaign, { inserts, reopens: [] }, monday)
}

/** Assembles all open reminders to one address. */
async function assembleTo(
  ledger: Ledger,
  address: string,
  draft: Partial<Draft> = {},
  at: number = monday,
): Promise<AssemblyResult> {
  const open = await openOf(ledger, campaign)
  return ledger.plans.assemble(campaign, { skips: [], drafts: [draftOf(ledger, address, open, draft)] }, at)
}

async function skip(ledger: Ledger, pinId: string, reason: SkipReason): Promise<AssemblyResult> {
  const open = (await openOf(ledger, campaign)).filter((one) => one.pinId === pinId)
  const skips = open.map(({ id }) => ({ id, reason }))
  return ledger.plans.assemble(campaign, { skips, drafts: [] }, nextTick)
}

/** All messages, newest first. */
async function messages(ledger: Ledger) {
  const { rows } = await ledger.reports.messages({ limit: 100 })
  const details = await Promise.all(rows.map((row) => ledger.reports.message(row.id)))
  return details.filter((one) => one !== null)
}
