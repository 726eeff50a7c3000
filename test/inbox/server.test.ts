import { request } from 'node:http'

import type { SESClient } from '@aws-sdk/client-ses'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { type RunningInbox, startInbox } from '#inbox/server.ts'

import { failureOf, sendRaw, sesClient } from './ses-client.ts'

const at = Date.UTC(2026, 10, 23, 12)

let inbox: RunningInbox
let ses: SESClient

beforeEach(async () => {
  inbox = await startInbox({ now: () => at, maxMails: 3 })
  ses = sesClient(inbox.url)
})

afterEach(async () => {
  ses.destroy()
  await inbox.stop()
})

/** Whatever the JSON holds: the tests say what it must be. */
interface Told {
  readonly mails: readonly { readonly number: number }[]
  readonly calls: readonly unknown[]
  readonly headers: readonly unknown[]
  readonly error: unknown
}

const told = async (answer: Response) => (await answer.json()) as Told
const get = async (path: string) => told(await fetch(inbox.url + path))

describe('calls in flight', () => {
  test('held before acceptance are in the log but not accepted, until they are released', async () => {
    const held = inbox.holdCalls()
    const sends = Promise.all([sendRaw(ses, { message: '1' }), sendRaw(ses, { message: '2' })])
    await inbox.waitFor(() => held.waiting.length === 2)
    expect(inbox.calls.list()).toMatchObject([
      { accepted: false, outcome: null },
      { accepted: false, outcome: null },
    ])
    expect(inbox.calls.open).toBe(2)
    held.release()
    await sends
    expect(held.waiting).toEqual([])
    expect(inbox.calls.open).toBe(0)
    await sendRaw(ses)
    expect(inbox.calls.accepted).toBe(3)
  })

  test('held after acceptance are accepted, and the caller does not know yet', async () => {
    const held = inbox.holdCalls('after')
    const send = sendRaw(ses)
    await inbox.accepted(1)
    await inbox.waitFor(() => held.waiting.length === 1)
    expect(inbox.calls.list()).toMatchObject([{ accepted: true, outcome: null }])
    held.release()
    const answer = await send
    expect(inbox.calls.list()).toMatchObject([{ accepted: true, outcome: 'ok', messageId: answer.MessageId }])
  })

  test('are accepted even when the caller has left: SES has the whole request', async () => {
    const held = inbox.holdCalls()
    const leave = new AbortController()
    const failure = failureOf(sendRaw(ses, {}, leave.signal))
    await inbox.waitFor(() => held.waiting.length === 1)
    leave.abort()
    await failure
    await inbox.waitFor(() => inbox.calls.list()[0]?.outcome === 'gone')
    held.release()
    await inbox.accepted(1)
    expect(inbox.calls.list()).toMatchObject([{ accepted: true, outcome: 'gone', status: null }])
  })

  test('whose caller leaves in the middle of the request are never accepted', async () => {
    const call = request(inbox.url, { method: 'POST', headers: { 'content-length': 1000 } })
    call.on('error', () => undefined)
    call.write('Action=SendRawEmail&Destinations.member.1=ann@example.com&RawMessage.Data=aGk=')
    await inbox.waitFor(() => inbox.calls.begun === 1)
    call.destroy()
    await inbox.waitFor(() => inbox.calls.open === 0)
    expect(inbox.calls.list()).toMatchObject([{ accepted: false, outcome: 'gone', action: null }])
  })

  test('do not outlive a stop: hung and held ones end, nothing is accepted, and waiting ends', async () => {
    inbox.faults.replace({
      faults: [
        { fault: 'hang', when: { next: 1 } },
        { fault: 'latency', ms: 60_000, when: { every: 2 } },
      ],
    })
    const held = inbox.holdCalls('before')
    const sends = [failureOf(sendRaw(ses)), failureOf(sendRaw(ses)), failureOf(sendRaw(ses))]
    await inbox.waitFor(() => held.waiting.length === 3)
    const waiting = failureOf(inbox.accepted(1))
    await Promise.all([inbox.stop(), inbox.stop()])
    await inbox.stop()
    await Promise.all(sends)
    expect(held.waiting).toEqual([])
    expect((await waiting).message).toContain('the inbox stopped')
    expect(inbox.mails.size).toBe(0)
  })
})

test('a taken port is refused by its number', async () => {
  const failure = startInbox({ port: inbox.port })
  await expect(failure).rejects.toMatchObject({
    code: 'port-taken',
    message: expect.stringContaining(String(inbox.port)),
  })
})

describe('over HTTP', () => {
  const raw = [
    'From: "Partner Portal" <portal@example.com>',
    'To: ann@example.com',
    'Subject: =?utf-8?q?Ihre_PIN_l=C3=A4uft_ab?=',
    'X-Forewarn-Reference: K7QM-2B4T-X3',
    'MIME-Version: 1.0',
    'Content-Type: multipart/alternative; boundary=part',
    '',
    '--part',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'L=C3=A4uft ab',
    '--part',
    'Content-Type: text/html; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from('<p>Läuft <script>x</script>ab</p>').toString('base64'),
    '--part--',
    '',
  ].join('\r\n')

  test('mails are listed newest first, with what forewarn put into them', async () => {
    await sendRaw(ses)
    const { MessageId } = await sendRaw(ses, { raw, message: '01J', stage: '7d', configurationSet: 'forewarn' })
    const listed = await get('/mails.json')
    expect(listed).toMatchObject({ total: 2, dropped: 0, truncated: false })
    expect(listed.mails).toHaveLength(2)
    expect(listed.mails[0]).toEqual({
      id: MessageId,
      number: 2,
      at: '2026-11-23T12:00:00Z',
      source: '',
      to: ['ann@example.com'],
      from: '"Partner Portal" <portal@example.com>',
      subject: 'Ihre PIN läuft ab',
      reference: 'K7QM-2B4T-X3',
      tags: { message: '01J', stage: '7d' },
      configurationSet: 'forewarn',
      size: raw.length,
    })
    expect(await get('/mails.json?limit=1')).toMatchObject({ total: 2, truncated: true, mails: [{ number: 2 }] })
  })

  test('search finds by recipient, subject, stage and reference, in any case', async () => {
    await sendRaw(ses, { to: 'bob@other.example', stage: '1d' })
    await sendRaw(ses, { raw, stage: '7d' })
    const numbers = async (q: string) => {
      const { mails } = await get(`/mails.json?q=${encodeURIComponent(q)}`)
      return mails.map((mail) => mail.number)
    }
    expect(await numbers('BOB@')).toEqual([1])
    expect(await numbers('läuft pin')).toEqual([2])
    expect(await numbers('7d')).toEqual([2])
    expect(await numbers('k7qm-2b4t')).toEqual([2])
    expect(await numbers('bob 7d')).toEqual([])
    expect(await numbers(' ')).toEqual([2, 1])
  })

  test('one mail comes as JSON with its calls, and as raw bytes, text and HTML', async () => {
    inbox.faults.replace({ faults: [{ fault: 'cut', when: { next: 1 } }] })
    await failureOf(sendRaw(ses, { raw, message: '01J' }))
    const { MessageId } = await sendRaw(ses, { raw, message: '01J' })
    await sendRaw(ses, { raw, message: '01K' })
    const mail = await get(`/mails/${MessageId}.json`)
    expect(mail).toMatchObject({ id: MessageId, text: 'Läuft ab', calls: [{ number: 1, fault: 'cut' }, { number: 2 }] })
    expect(mail.headers).toContainEqual({ name: 'Subject', value: '=?utf-8?q?Ihre_PIN_l=C3=A4uft_ab?=' })
    const body = async (part: string) => (await fetch(`${inbox.url}/mails/${MessageId}/${part}`)).text()
    expect(await body('raw')).toBe(raw)
    expect(await body('text')).toBe('Läuft ab')
    expect(await body('html')).toBe('<p>Läuft <script>x</script>ab</p>')
    expect((await fetch(`${inbox.url}/mails/none.json`)).status).toBe(404)
  })

  test('a mail’s HTML may run nothing and load nothing, wherever it is opened', async () => {
    const { MessageId } = await sendRaw(ses, { raw })
    const { headers } = await fetch(`${inbox.url}/mails/${MessageId}/html`)
    const policy = headers.get('content-security-policy')
    expect(policy).toMatch(/^sandbox; default-src 'none'; /)
    expect(policy).not.toMatch(/script-src|allow-|https?:|\*/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  test('calls are told in order of beginning, with whether each was accepted', async () => {
    inbox.faults.replace({ faults: [{ fault: 'error-500', accepted: true, when: { every: 2 } }] })
    await sendRaw(ses, { message: '1' })
    await failureOf(sendRaw(ses, { message: '2' }))
    const log = await get('/calls.json')
    expect(log).toMatchObject({ total: 2, accepted: 2, dropped: 0, truncated: false })
    expect(log.calls).toMatchObject([
      {
        number: 1,
        begunAt: '2026-11-23T12:00:00Z',
        action: 'SendRawEmail',
        message: '1',
        accepted: true,
        outcome: 'ok',
      },
      { number: 2, message: '2', to: ['ann@example.com'], accepted: true, outcome: 'InternalFailure', status: 500 },
    ])
    expect(await get('/calls.json?after=1')).toMatchObject({ calls: [{ number: 2 }] })
    expect(await get('/calls.json?limit=1')).toMatchObject({ truncated: true, calls: [{ number: 1 }] })
  })

  test('faults are read and replaced, and wrong ones refused by name', async () => {
    const put = (body: string) => fetch(`${inbox.url}/faults`, { method: 'PUT', body })
    const answer = await put('{"faults":[{"fault":"reject","message":"No."}]}')
    expect(await told(answer)).toEqual(await get('/faults'))
    expect((await failureOf(sendRaw(ses))).message).toBe('No.')
    const wrong = await put('{"faults":[{"fault":"explode"}]}')
    expect(wrong.status).toBe(400)
    expect((await told(wrong)).error).toMatchObject({
      code: 'input-unreadable',
      message: expect.stringContaining('faults.0'),
    })
    expect((await put('{')).status).toBe(400)
    expect(inbox.faults.current.faults).toMatchObject([{ fault: 'reject' }])
  })

  test('mails can be cleared; the log and the counts stay', async () => {
    await sendRaw(ses)
    expect((await fetch(`${inbox.url}/mails`, { method: 'DELETE' })).status).toBe(204)
    expect(inbox.mails.size).toBe(0)
    expect(inbox.calls.accepted).toBe(1)
    await sendRaw(ses)
    expect(inbox.mails.list()).toMatchObject([{ number: 2 }])
  })

  test('beyond its bound the oldest mails go, and it says how many', async () => {
    for (let n = 0; n < 5; n++) await sendRaw(ses)
    expect(await get('/mails.json')).toMatchObject({
      total: 3,
      dropped: 2,
      mails: [{ number: 5 }, { number: 4 }, { number: 3 }],
    })
    expect(inbox.calls.accepted).toBe(5)
  })
})

describe('keeps out', () => {
  function statusOf(method: string, path: string, headers: Record<string, string>): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const call = request(inbox.url + path, { method, headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      call.on('error', reject).end()
    })
  }

  test('every request under another host’s name', async () => {
    const others = ['evil.example', `evil.example:${inbox.port}`, '127.0.0.1.evil.example', 'localhost@evil.example']
    for (const host of others) {
      expect({ host, status: await statusOf('GET', '/mails.json', { host }) }).toEqual({ host, status: 403 })
      expect({ host, status: await statusOf('POST', '/', { host }) }).toEqual({ host, status: 403 })
    }
    for (const host of ['localhost', `127.0.0.1:${inbox.port}`, '[::1]:8025']) {
      expect(await statusOf('GET', '/mails.json', { host })).toBe(200)
    }
    expect(inbox.calls.begun).toBe(0)
  })

  test('changes and mail from other sites’ pages', async () => {
    const origin = 'https://evil.example'
    expect(await statusOf('DELETE', '/mails', { origin })).toBe(403)
    expect(await statusOf('PUT', '/faults', { origin })).toBe(403)
    expect(await statusOf('POST', '/', { origin })).toBe(403)
    expect(await statusOf('DELETE', '/mails', { origin: inbox.url })).toBe(204)
  })
})
