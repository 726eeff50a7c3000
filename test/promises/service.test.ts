import { expect, it } from 'vitest'
import { expectAtMostOnce, idsIn, mailed, messagesOf, sendingCalls } from './harness/books.ts'
import { documentOf, logLines, type Running } from './harness/forewarn.ts'
import { daysAfter, inSixAndAHalfDays, pinRows } from './harness/pin-rows.ts'
import { enable, newSite, type RunDocument } from './harness/site.ts'
import { onEveryStack } from './harness/stacks.ts'

onEveryStack('The service', (stack) => {
  it('answers for its health, and mails the PINs of a campaign that is enabled while it runs', async () => {
    const pins = pinRows(3, { expires_at: inSixAndAHalfDays() })
    const site = await newSite(stack, { pins, enabled: false })
    const service = site.start(['start'])
    const url = await addressOf(service)

    expect(await statusOf(`${url}/healthz`)).toBe(200)
    expect(await statusOf(`${url}/readyz`)).toBe(200)
    expect(await enable(site, 'soft-pin')).toMatchObject({ code: 0 })
    await site.inbox.accepted(pins.length)

    expect(await site.forewarn(['switch', 'off'])).toMatchObject({ code: 0 })
    expect(await statusOf(`${url}/readyz`), 'a closed gate is ready').toBe(200)
    service.kill('SIGTERM')
    expect((await service.ended).code).toBe(0)
    expect(mailed(site.inbox)).toEqual(pins.map(({ email }) => email))
  })

  it('ends in time when told to, with its unanswered calls in doubt, and sends the rest when started again', async () => {
    // Longer than the 8 s after which calls are given up.
    const timeoutMs = 12_000
    const pins = pinRows(12, { expires_at: inSixAndAHalfDays() })
    const site = await newSite(stack, { pins, settings: { mail: { concurrency: 4, timeoutMs } } })
    const held = site.inbox.holdCalls()
    const service = site.start(['start'])
    await site.inbox.waitFor(() => held.waiting.length === 4)
    const unanswered = messagesOf(held.waiting)

    const toldMs = performance.now()
    service.kill('SIGTERM')
    const { code, stderr } = await service.ended
    const tookMs = performance.now() - toldMs

    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(timeoutMs + 3_000)
    const unsent = logLines(stderr).filter(({ msg }) => msg === 'message.not-sent')
    expect(unsent.map((line) => line.code)).toEqual(Array(4).fill('aborted'))
    expect(sendingCalls(site.inbox)).toHaveLength(4)
    expect(idsIn('in_doubt', await site.messages())).toEqual(unanswered)
    expect(documentOf(await site.forewarn(['switch', 'status']))).toMatchObject({ openAttempts: 0 })

    held.release()
    const next = site.start(['start'])
    await site.inbox.waitFor(() => site.inbox.calls.open === 0 && sendingCalls(site.inbox).length === 12)
    next.kill('SIGTERM')
    expect(await next.ended).toMatchObject({ code: 0 })
    const messages = await site.messages()
    expect(idsIn('in_doubt', messages)).toEqual(unanswered)
    expect(idsIn('sent', messages)).toHaveLength(8)
    expectAtMostOnce(site.inbox, messages)
  })

  it('ends at once when told twice; the next one puts its open calls in doubt, and sends the rest', async () => {
    const pins = pinRows(6, { expires_at: inSixAndAHalfDays() })
    const site = await newSite(stack, { pins, settings: { mail: { concurrency: 2 } } })
    const held = site.inbox.holdCalls('after')
    const service = site.start(['start'])
    await site.inbox.waitFor(() => held.waiting.length === 2)
    const open = messagesOf(held.waiting)

    service.kill('SIGTERM')
    await service.logged('stopping')
    service.kill('SIGTERM')
    expect(await service.ended).toMatchObject({ code: 1 })
    expect(sendingCalls(site.inbox).every(({ outcome }) => outcome === null || outcome === 'gone')).toBe(true)

    held.release()
    const next = site.start(['start'])
    await next.logged('message.in-doubt')
    await site.inbox.waitFor(() => sendingCalls(site.inbox).length === 6 && site.inbox.calls.open === 0)
    next.kill('SIGTERM')
    expect(await next.ended).toMatchObject({ code: 0 })
    const messages = await site.messages()
    expect(idsIn('in_doubt', messages)).toEqual(open)
    expect(idsIn('sent', messages)).toHaveLength(4)
    expectAtMostOnce(site.inbox, messages)
  })
})

onEveryStack('A run', (stack) => {
  it('that is told to end begins no call any more, waits for those in flight, and says what it did', async () => {
    const now = '2027-03-01T12:00:00Z'
    const pins = pinRows(9, { expires_at: daysAfter(now, 6) })
    const site = await newSite(stack, { pins, settings: { mail: { concurrency: 4 } } })
    const held = site.inbox.holdCalls('after')
    const running = site.start(['run', '--once', '--at', now])
    await site.inbox.waitFor(() => held.waiting.length === 4)

    running.kill('SIGTERM')
    await running.logged('run.stopping')
    held.release()
    const end = await running.ended

    expect(documentOf<RunDocument>(end)).toMatchObject({ messages: { sent: 4, inDoubt: 0, pending: 5 } })
    expect(end.code).toBe(4)
    expect(sendingCalls(site.inbox)).toHaveLength(4)
  })
})

async function addressOf(service: Running): Promise<string> {
  return String((await service.logged('ready')).url)
}

async function statusOf(url: string): Promise<number> {
  return (await fetch(url)).status
}
