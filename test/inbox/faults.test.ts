import { GetSendQuotaCommand, type SESClient } from '@aws-sdk/client-ses'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import type { Call } from '#inbox/calls.ts'
import { checkFaults, type Faults } from '#inbox/faults.ts'
import { type RunningInbox, startInbox } from '#inbox/server.ts'

import { failureOf, sendRaw, sesClient } from './ses-client.ts'

let inbox: RunningInbox
let ses: SESClient
let now = Date.now()

beforeEach(async () => {
  now = Date.now()
  inbox = await startInbox({ now: () => now })
  ses = sesClient(inbox.url)
})

afterEach(async () => {
  ses.destroy()
  await inbox.stop()
})

const play = (...faults: NonNullable<Faults['faults']>) => inbox.faults.replace({ faults })
const lastCall = () => inbox.calls.list().at(-1)

/** A call whose answer never comes: the caller leaves once the inbox has recorded what it did. */
async function leaveWhen(fits: (call: Call) => boolean) {
  const leave = new AbortController()
  const failure = failureOf(sendRaw(ses, {}, leave.signal))
  await inbox.waitFor(() => inbox.calls.list().some(fits))
  leave.abort()
  return failure
}

describe('what the SDK sees of a fault, and what the log says', () => {
  const refusals = [
    [{ fault: 'reject' }, 'MessageRejected', /rejected/, 400],
    [{ fault: 'paused' }, 'AccountSendingPausedException', /disabled/, 400],
    [{ fault: 'daily-quota', recipients: 0 }, 'Throttling', /^Daily message quota exceeded\.$/, 400],
  ] as const
  for (const [fault, name, message, status] of refusals) {
    test(`${fault.fault}: ${name}, not accepted`, async () => {
      play(fault)
      const failure = await failureOf(sendRaw(ses, { message: '01J' }))
      expect(failure).toMatchObject({ name, $metadata: { httpStatusCode: status } })
      expect(failure.message).toMatch(message)
      expect(lastCall()).toMatchObject({ fault: fault.fault, outcome: name, status, accepted: false, message: '01J' })
      expect(inbox.mails.size).toBe(0)
    })
  }

  for (const accepted of [false, true]) {
    test(`error-500 ${accepted ? 'after' : 'before'} acceptance looks the same to the caller`, async () => {
      play({ fault: 'error-500', accepted })
      const failure = await failureOf(sendRaw(ses))
      expect(failure.$metadata?.httpStatusCode).toBe(500)
      expect(lastCall()).toMatchObject({ fault: 'error-500', outcome: 'InternalFailure', status: 500, accepted })
      expect(inbox.mails.size).toBe(accepted ? 1 : 0)
    })

    test(`cut ${accepted ? 'after' : 'before'} acceptance is a reset connection`, async () => {
      play({ fault: 'cut', accepted })
      const failure = await failureOf(sendRaw(ses))
      expect(failure.code).toBe('ECONNRESET')
      expect(lastCall()).toMatchObject({ fault: 'cut', outcome: 'cut', status: null, accepted })
      expect(inbox.mails.size).toBe(accepted ? 1 : 0)
    })

    test(`hang ${accepted ? 'after' : 'before'} acceptance never answers`, async () => {
      play({ fault: 'hang', accepted })
      expect((await leaveWhen((call) => call.outcome === 'hung')).name).toBe('AbortError')
      expect(lastCall()).toMatchObject({ fault: 'hang', outcome: 'hung', status: null, accepted })
      expect(inbox.mails.size).toBe(accepted ? 1 : 0)
    })
  }

  test('empty-answer: a good answer without a MessageId', async () => {
    play({ fault: 'empty-answer' })
    const answer = await sendRaw(ses)
    expect(answer.MessageId).toBeUndefined()
    expect(lastCall()).toMatchObject({ outcome: 'empty', status: 200, accepted: true })
  })

  test('half-answer: the headers and half of the body come, and nothing after', async () => {
    play({ fault: 'half-answer' })
    const body = 'Action=SendRawEmail&Destinations.member.1=ann@example.com&RawMessage.Data=aGk='
    const answer = await fetch(inbox.url, { method: 'POST', body })
    expect(answer.status).toBe(200)
    const reader = answer.body?.getReader()
    const first = await reader?.read()
    expect(Buffer.from(first?.value ?? []).toString()).toMatch(/^<SendRawEmailResponse .*[^>]$/s)
    expect(lastCall()).toMatchObject({ outcome: 'hung', status: 200, accepted: true })
    await reader?.cancel()
    expect((await leaveWhen((call) => call.number === 2 && call.outcome === 'hung')).name).toBe('AbortError')
  })

  test('signature-age: refuses by the age of the signature on the inbox’s clock', async () => {
    play({ fault: 'signature-age', maxSeconds: 300 })
    const statusAt = async (at: string) => {
      now = Date.parse(at)
      const body = 'Action=SendRawEmail&Destinations.member.1=ann@example.com&RawMessage.Data=aGk='
      return (await fetch(inbox.url, { method: 'POST', body, headers: { 'x-amz-date': '20261123T120000Z' } })).status
    }
    expect(await statusAt('2026-11-23T12:05:00.000Z')).toBe(200)
    expect(await statusAt('2026-11-23T12:05:00.001Z')).toBe(403)
    now = Date.now() + 600_000
    const failure = await failureOf(sendRaw(ses))
    expect(failure).toMatchObject({ name: 'SignatureDoesNotMatch', $metadata: { httpStatusCode: 403 } })
    const limits = /^Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)$/
    expect(failure.message).toMatch(limits)
  })

  test('rate: no second holds more calls than told, and refused calls do not count', async () => {
    play({ fault: 'rate', perSecond: 2 })
    const outcomes: string[] = []
    for (const step of [0, 400, 300, 299, 1, 399, 1]) {
      now += step
      outcomes.push(
        await sendRaw(ses).then(
          () => 'ok',
          (error: Error) => error.message,
        ),
      )
    }
    const no = 'Maximum sending rate exceeded.'
    expect(outcomes).toEqual(['ok', 'ok', no, no, 'ok', no, 'ok'])
  })

  test('latency is waited before the message is accepted, on top of another fault', async () => {
    play({ fault: 'latency', ms: [20, 40] }, { fault: 'latency', ms: 1 }, { fault: 'empty-answer' })
    const begun = performance.now()
    await sendRaw(ses)
    // Timers may fire a millisecond early.
    expect(performance.now() - begun).toBeGreaterThan(19)
    expect(lastCall()).toMatchObject({ outcome: 'empty', accepted: true })
  })
})

describe('which calls a fault strikes', () => {
  async function outcomes(count: number, to = (_n: number) => 'ann@example.com'): Promise<string> {
    let letters = ''
    for (let n = 0; n < count; n++)
      letters += await sendRaw(ses, { to: to(n) }).then(
        () => '.',
        () => 'x',
      )
    return letters
  }

  test('every call, every third, the next two', async () => {
    play({ fault: 'reject' })
    expect(await outcomes(3)).toBe('xxx')
    play({ fault: 'reject', when: { every: 3 } })
    expect(await outcomes(7)).toBe('..x..x.')
    play({ fault: 'reject', when: { next: 2 } })
    expect(await outcomes(4)).toBe('xx..')
  })

  test('addresses that fit a pattern; only those count for `next`', async () => {
    play({ fault: 'reject', when: { to: '*@Bad.example', next: 1 } })
    const to = ['ann@example.com', 'bob@badXexample', 'bob@bad.example', 'bob@bad.example']
    expect(await outcomes(4, (n) => to[n] ?? '')).toBe('..x.')
  })

  test('a probability, by a generator that the seed repeats', async () => {
    const faults = (seed: number): Faults => ({ seed, faults: [{ fault: 'reject', when: { probability: 0.5 } }] })
    const runs: string[] = []
    for (const seed of [1, 1, 2]) {
      inbox.faults.replace(faults(seed))
      runs.push(await outcomes(40))
    }
    expect(runs[0]).toBe(runs[1])
    expect(runs[0]).not.toBe(runs[2])
    expect(runs[0]).toMatch(/x.*\./)
  })

  test('of two that strike, the first is played; the other waits for its turn', async () => {
    play({ fault: 'paused', when: { next: 1 } }, { fault: 'reject', when: { next: 1 } })
    expect((await failureOf(sendRaw(ses))).name).toBe('AccountSendingPausedException')
    expect((await failureOf(sendRaw(ses))).name).toBe('MessageRejected')
    expect(await outcomes(1)).toBe('.')
  })

  test('sending calls only, unless actions are named', async () => {
    const quota = () => ses.send(new GetSendQuotaCommand({}))
    play({ fault: 'error-500' })
    await quota()
    play({ fault: 'error-500', when: { actions: ['GetSendQuota'] } })
    expect(await outcomes(1)).toBe('.')
    expect((await failureOf(quota())).$metadata?.httpStatusCode).toBe(500)
    play({ fault: 'error-500', when: { actions: 'all' } })
    await failureOf(quota())
    expect(await outcomes(1)).toBe('x')
  })
})

test('names every wrong place of a fault file, and keeps the faults that were there', () => {
  play({ fault: 'reject' })
  const wrong = { seed: 'x', faults: [{ fault: 'cut', when: { every: 0, sometimes: true } }, { fault: 'explode' }] }
  expect(() => checkFaults(wrong, 'faults.yaml')).toThrow(
    /seed: .*faults\.0\.when\.every: .*faults\.0\.when: .*sometimes.*faults\.1\.fault: /s,
  )
  expect(() => inbox.faults.replace(wrong as unknown as Faults)).toThrow()
  expect(inbox.faults.current.faults).toMatchObject([{ fault: 'reject' }])
})
