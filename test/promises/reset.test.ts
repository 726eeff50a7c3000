import { expect, it } from 'vitest'
import { mailed, sendingCalls } from './harness/books.ts'
import { documentOf } from './harness/forewarn.ts'
import { daysAfter, type PinRow } from './harness/pin-rows.ts'
import { newSite, type RunDocument, runOnce, type Site } from './harness/site.ts'
import { onEveryStack } from './harness/stacks.ts'

onEveryStack('P3: no reminder after a reset', (stack) => {
  it('reads every PIN again right before its mail, and obeys what it finds', async () => {
    const now = '2027-03-01T12:00:00Z'
    const inSixDays = daysAfter(now, 6)
    const expired = pin('first', daysAfter(now, -0.1))
    const before = ['reset', 'revoked', 'never-set', 'moved-on', 'moved-house', 'other-kind', 'same'].map((name) =>
      pin(name, inSixDays),
    )
    // The expired PIN is the most urgent: while its call is held, all others are planned, queued, and wait.
    const site = await newSite(stack, { pins: [expired, ...before], settings: { mail: { concurrency: 1 } } })
    const held = site.inbox.holdCalls()
    const running = site.start(['run', '--once', '--at', now])
    await site.inbox.waitFor(() => held.waiting.length === 1)

    const imported = await site.importPins([
      { ...pin('reset', daysAfter(now, 365)), set_at: daysAfter(now, -0.01) },
      { ...pin('revoked', inSixDays), status: 'revoked' },
      { ...pin('never-set', inSixDays), status: 'none' },
      pin('moved-on', daysAfter(now, 9)),
      { ...pin('moved-house', inSixDays), email: 'new-house@partner.example' },
      { ...pin('other-kind', inSixDays), kind: 'door-pin' },
    ])
    expect(imported).toMatchObject({ code: 0 })
    held.release()
    const run = documentOf<RunDocument>(await running.ended)

    expect(mailed(site.inbox)).toEqual(['first@partner.example', 'same@partner.example'])
    expect(run.messages).toMatchObject({ sent: 2, skipped: 6, pending: 0 })
    const why = { reset: 2, revoked: 1, 'no-pin': 1, 'not-applicable': 1 }
    expect(run.reminders.skipped).toMatchObject(why)
    expect(await reasonsOf(site)).toEqual(why)

    const next = await runOnce(site, '2027-03-01T13:00:00Z')

    expect(next.run.messages).toMatchObject({ sent: 2, pending: 0 })
    expect(mailed(site.inbox)).toEqual(
      ['first', 'moved-on', 'new-house', 'same'].map((name) => `${name}@partner.example`),
    )
  })

  it('forgets what waited for its window when the PIN is reset meanwhile, and takes up again what comes back', async () => {
    const tuesdayEvening = '2027-03-02T18:00:00Z'
    const wednesday = '2027-03-03T09:00:00Z'
    const thursday = '2027-03-04T09:00:00Z'
    const inAWeek = daysAfter(tuesdayEvening, 7)
    const site = await newSite(stack, {
      pins: ['reset', 'revoked', 'back', 'same'].map((name) => pin(name, inAWeek)),
      campaigns: [{ window: { from: '09:00', to: '17:00' } }],
    })
    const evening = await runOnce(site, tuesdayEvening)
    expect(evening.run).toMatchObject({ messages: { sent: 0, pending: 4 }, waiting: { window: 4 } })

    await site.importPins([
      pin('reset', daysAfter(inAWeek, 365)),
      { ...pin('revoked', inAWeek), status: 'revoked' },
      { ...pin('back', inAWeek), status: 'revoked' },
    ])
    const morning = await runOnce(site, wednesday)
    expect(morning.run).toMatchObject({
      messages: { sent: 1, skipped: 3, pending: 0 },
      reminders: { skipped: { reset: 1, revoked: 2 } },
    })

    await site.importPins([pin('back', inAWeek)])
    const nextMorning = await runOnce(site, thursday)

    expect(nextMorning.run).toMatchObject({ messages: { sent: 1, pending: 0 } })
    expect(mailed(site.inbox)).toEqual(['back@partner.example', 'same@partner.example'])
    expect(sendingCalls(site.inbox)).toHaveLength(2)
  })
})

function pin(name: string, expires_at: string): PinRow {
  return { pin_id: name, email: `${name}@partner.example`, expires_at }
}

/** Why reminders were decided that stood in messages which were skipped. */
async function reasonsOf(site: Site): Promise<Record<string, number>> {
  const skipped = (await site.messages()).filter(({ state }) => state === 'skipped')
  const reasons: Record<string, number> = {}
  for (const { id } of skipped) {
    for (const { reason } of (await site.message(id)).reminders)
      reasons[reason ?? 'none'] = (reasons[reason ?? 'none'] ?? 0) + 1
  }
  return reasons
}
