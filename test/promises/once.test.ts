import { expect, it } from 'vitest'
import type { Faults } from '#inbox/faults.ts'
import { acceptedMessages, expectAtMostOnce, idsIn, mailed, messagesOf, sendingCalls } from './harness/books.ts'
import { documentOf } from './harness/forewarn.ts'
import { daysAfter, pinRows } from './harness/pin-rows.ts'
import { chance, times } from './harness/seed.ts'
import { newSite, type RunDocument, runOnce, type Site } from './harness/site.ts'
import { onEveryStack } from './harness/stacks.ts'

const now = '2027-03-01T12:00:00Z'
/** Well after every back-off. */
const later = '2027-03-01T13:00:00Z'
const expires_at = daysAfter(now, 6)

onEveryStack('P1: at most once', (stack) => {
  it('sends everything once when two runs work at the same time', async () => {
    const pins = pinRows(30, { expires_at })
    const site = await newSite(stack, {
      pins,
      campaigns: [{ window: { from: '09:00', to: '17:00' } }],
      settings: { mail: { concurrency: 5 } },
    })
    const evening = await runOnce(site, '2027-03-01T18:00:00Z')
    expect(evening.run.waiting).toEqual({ window: pins.length })

    const held = site.inbox.holdCalls()
    const runs = [1, 2].map(() => site.start(['run', '--once', '--at', '2027-03-02T09:00:00Z']))
    // Now both are at it, each with a queue of all messages.
    await site.inbox.waitFor(() => held.waiting.length === 10)
    held.release()
    const ends = await Promise.all(runs.map(({ ended }) => ended))

    expect(ends.map(({ code }) => code)).toEqual([0, 0])
    expect(mailed(site.inbox)).toEqual(pins.map(({ email }) => email))
    const sent = ends.map((end) => documentOf<RunDocument>(end).messages.sent)
    expect(sent.reduce((sum, count) => sum + count)).toBe(pins.length)
    expectAtMostOnce(site.inbox, await site.messages())
  })

  it('puts exactly the messages in doubt whose connection was cut, and does not send them again', async () => {
    const pins = pinRows(40, { expires_at })
    const faults: Faults = { faults: [{ fault: 'cut', accepted: true, when: { every: 10 } }] }
    const site = await newSite(stack, { pins, inbox: { faults } })

    const first = await runOnce(site, now)

    const cut = sendingCalls(site.inbox).filter(({ outcome }) => outcome === 'cut')
    expect(cut).toHaveLength(4)
    expect(first).toMatchObject({ code: 4, run: { messages: { sent: 36, inDoubt: 4, failed: 0, pending: 0 } } })
    expect(first.run.reminders).toMatchObject({ sent: 36, inDoubt: 4, pending: 0 })
    const messages = await site.messages()
    expect(idsIn('in_doubt', messages)).toEqual(messagesOf(cut))
    expectAtMostOnce(site.inbox, messages)

    site.inbox.faults.replace()
    const second = await runOnce(site, later)

    expect(second).toMatchObject({ code: 0, run: { messages: { sent: 0, inDoubt: 0, pending: 0 } } })
    expect(sendingCalls(site.inbox)).toHaveLength(40)
  })

  it('keeps what ended without an answer in doubt, sends what surely did not arrive later, and once', async () => {
    const site = await newSite(stack, {
      pins: ['empty', 'half', 'broken', 'silent', 'quick-1', 'quick-2', 'refused', 'good'].map((name) => ({
        pin_id: name,
        email: `${name}@partner.example`,
        expires_at,
      })),
      settings: { mail: { timeoutMs: 3_000 } },
      inbox: {
        faults: {
          faults: [
            { fault: 'empty-answer', when: { to: 'empty@*' } },
            { fault: 'half-answer', when: { to: 'half@*' } },
            { fault: 'error-500', when: { to: 'broken@*' } },
            { fault: 'hang', when: { to: 'silent@*' } },
            { fault: 'reject', when: { to: 'refused@*' } },
            // Of the two, the one that comes second is throttled, once.
            { fault: 'rate', perSecond: 0.001, when: { to: 'quick-*', next: 2 } },
          ],
        },
      },
    })

    const { code, run } = await runOnce(site, now)

    expect(code).toBe(4)
    expect(run.messages).toMatchObject({ sent: 3, inDoubt: 4, failed: 1, pending: 0 })
    const messages = await site.messages()
    const called = (to: string) => sendingCalls(site.inbox).filter((call) => call.to[0] === `${to}@partner.example`)
    const doubtful = ['empty', 'half', 'broken', 'silent'].flatMap(called)
    expect(idsIn('in_doubt', messages)).toEqual(messagesOf(doubtful))
    expect(called('refused')).toHaveLength(1)
    const throttled = [...called('quick-1'), ...called('quick-2')].filter(({ outcome }) => outcome === 'Throttling')
    expect(throttled).toHaveLength(1)
    expect([called('quick-1').length, called('quick-2').length].sort((one, other) => one - other)).toEqual([1, 2])
    expect(mailed(site.inbox)).toEqual(
      ['empty', 'good', 'half', 'quick-1', 'quick-2'].map((name) => `${name}@partner.example`),
    )
    expectAtMostOnce(site.inbox, messages)
  })

  it('sends later, and once, what found nobody listening', async () => {
    const pins = pinRows(3, { expires_at })
    const site = await newSite(stack, { pins })

    // Port 1 of this machine: nobody listens there.
    const unreachable = { AWS_ENDPOINT_URL_SES: 'http://127.0.0.1:1' }
    const end = await site.forewarn(['run', '--once', '--at', now], unreachable)
    const { messages, waiting } = documentOf<RunDocument>(end)

    expect(end.code).toBe(0)
    expect(messages).toMatchObject({ sent: 0, inDoubt: 0, failed: 0, pending: 3 })
    expect(waiting).toEqual({ 'back-off': 3 })
    expect(await runOnce(site, later)).toMatchObject({ code: 0, run: { messages: { sent: 3, pending: 0 } } })
    expect(mailed(site.inbox)).toEqual(pins.map(({ email }) => email))
  })

  it('leaves exactly the open attempts of a killed process in doubt, and sends the rest once', async () => {
    const pins = pinRows(12, { expires_at })
    const site = await newSite(stack, { pins, settings: { mail: { concurrency: 5 } } })
    const held = site.inbox.holdCalls('after')
    const run = site.start(['run', '--once', '--at', now])
    await site.inbox.waitFor(() => held.waiting.length === 5)
    const open = messagesOf(held.waiting)

    run.kill('SIGKILL')
    await run.ended
    held.release()
    const next = await runOnce(site, later)

    const messages = await site.messages()
    expect(idsIn('in_doubt', messages)).toEqual(open)
    expect(next.run.messages).toMatchObject({ sent: 7, pending: 0 })
    expect(sendingCalls(site.inbox)).toHaveLength(12)
    expectAtMostOnce(site.inbox, messages)
    expect(documentOf(await site.forewarn(['switch', 'status']))).toMatchObject({ openAttempts: 0 })
  })

  it('sends nothing twice and loses nothing when it is killed at any moment', async () => {
    const { between, oneOf } = chance('killed at any moment')
    const pins = pinRows(50, { expires_at })
    const faults: Faults = { seed: between(1, 1_000_000), faults: [{ fault: 'latency', ms: [0, 60] }] }
    const site = await newSite(stack, { pins, inbox: { faults } })

    for (let round = 0; round < times; round++) {
      // Each begins where business time surely has got to.
      const run = site.start(['run', '--once', '--at', daysAfter(now, round / 100)])
      const calls = site.inbox.calls.begun + between(1, 20)
      const accepted = site.inbox.calls.accepted + between(1, 15)
      const moment = oneOf([
        () => run.logged('scan.done'),
        () => site.inbox.waitFor(() => site.inbox.calls.begun >= calls),
        () => site.inbox.accepted(accepted),
      ])
      // When little is left, a run may end before its moment.
      await Promise.race([moment(), run.ended]).catch(() => undefined)
      run.kill('SIGKILL')
      await run.ended
    }
    await finish(site)

    const messages = await site.messages()
    expectAtMostOnce(site.inbox, messages)
    expect(messages).toHaveLength(pins.length)
    expect(messages.filter(({ state }) => state !== 'sent' && state !== 'in_doubt')).toEqual([])
    expect(acceptedMessages(site.inbox).length).toBeGreaterThanOrEqual(idsIn('sent', messages).length)
  })
})

async function finish(site: Site): Promise<void> {
  const { run } = await runOnce(site, later)
  expect(run.messages.pending).toBe(0)
}
