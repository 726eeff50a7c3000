import { type ChildProcess, fork, spawn } from 'node:child_process'
import events, { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClocks } from '#app/clocks.ts'
import { type Clocks, deadlineIn } from '#core/clock.ts'
import { type InboxOptions, type RunningInbox, startInbox } from '#inbox/server.ts'
import type { Answer, Mailer } from '#mail/mail.ts'
import { type SesOptions, sesMailer } from '#mail/ses-client.ts'
import { cert } from './certificate.ts'
import { mail } from './given-mail.ts'
import { closedPort, httpServer, httpsServer, tcpServer } from './ses-servers.ts'

const clocks = systemClocks()
const never = new AbortController().signal

function mailerFor(endpoint: string, options: Partial<SesOptions> = {}): Mailer {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const mailer = sesMailer({
    timeoutMs: 20_000,
    concurrency: 5,
    clocks,
    endpoint,
    region: 'eu-west-1',
    credentials,
    ...options,
  })
  onTestFinished(() => mailer.close())
  return mailer
}

async function inboxWith(options: InboxOptions = {}): Promise<RunningInbox> {
  const inbox = await startInbox(options)
  onTestFinished(() => inbox.stop())
  return inbox
}

function sendOne(mailer: Mailer, signal: AbortSignal = never): Promise<Answer> {
  return mailer.send(mail, deadlineIn(10_000, clocks), signal)
}

const notAccepted = { sesId: null, quotaUsedUp: false, unreachable: false }

describe('a good call', () => {
  it('brings the bytes, the envelope, the configuration set and the tags to SES unchanged', async () => {
    const inbox = await inboxWith()
    const before = clocks.wall()
    const answer = await sendOne(mailerFor(inbox.url))

    const [call] = inbox.calls.list()
    const [kept] = inbox.mails.list()
    expect(answer).toEqual({
      outcome: 'accepted',
      sesId: kept?.id,
      code: null,
      requestId: call?.requestId,
      quotaUsedUp: false,
      unreachable: false,
      beganAt: expect.any(Number),
      endedAt: expect.any(Number),
    })
    expect(answer.beganAt).toBeGreaterThanOrEqual(before)
    expect(answer.endedAt).toBeGreaterThanOrEqual(answer.beganAt ?? Number.NaN)
    expect(call).toMatchObject({
      action: 'SendRawEmail',
      to: ['ann@example.com'],
      configurationSet: 'forewarn',
      tags: [
        { name: 'message', value: '01J00000000000000000000000' },
        { name: 'campaign', value: 'soft-pin' },
        { name: 'stage', value: '14d' },
      ],
    })
    expect(kept?.source).toBe('portal@example.com')
    expect(kept?.raw.equals(mail.raw)).toBe(true)
    expect(inbox.calls.begun).toBe(1)
  })

  it('names no configuration set when there is none', async () => {
    const inbox = await inboxWith()
    await mailerFor(inbox.url).send({ ...mail, configurationSet: null }, deadlineIn(10_000, clocks), never)
    expect(inbox.calls.list()[0]).toMatchObject({ configurationSet: null, outcome: 'ok' })
  })

  it('goes over TLS to a server whose certificate is trusted', async () => {
    trustOwnCertificate()
    const server = await httpsServer((response) => response.end(accepted))
    expect(await sendOne(mailerFor(server.url))).toMatchObject({ outcome: 'accepted', sesId: 'ses-1' })
    expect(server.requests).toBe(1)
  })

  it('gives the quota, null for unlimited', async () => {
    const inbox = await inboxWith({ account: { max24HourSend: 200, maxSendRate: 1.5, sentByOthers: 7 } })
    const mailer = mailerFor(inbox.url)
    expect(await mailer.quota(never)).toEqual({ max24Hour: 200, maxPerSecond: 1.5, sentLast24Hours: 7 })
    inbox.account.max24HourSend = -1
    expect(await mailer.quota(never)).toMatchObject({ max24Hour: null })
  })

  it.each(['Max24HourSend', 'MaxSendRate', 'SentLast24Hours'])(
    'takes no quota from an answer without %s',
    async (missing) => {
      const told = ['Max24HourSend', 'MaxSendRate', 'SentLast24Hours'].filter((name) => name !== missing)
      const result = told.map((name) => `<${name}>14</${name}>`).join('')
      const server = await httpServer((response) =>
        response.end(`<GetSendQuotaResponse><GetSendQuotaResult>${result}</GetSendQuotaResult></GetSendQuotaResponse>`),
      )
      await expect(mailerFor(server.url).quota(never)).rejects.toThrow('no quota')
    },
  )

  it('waits for the quota no longer than for any call', async () => {
    const inbox = await inboxWith({ faults: { faults: [{ fault: 'hang', when: { actions: ['GetSendQuota'] } }] } })
    await expect(mailerFor(inbox.url, { timeoutMs: 200 }).quota(never)).rejects.toThrow()
    await expect(mailerFor(inbox.url).quota(AbortSignal.timeout(100))).rejects.toThrow()
  })
})

describe('an error of SES', () => {
  it.each([
    [400, 'Throttling', 'Maximum sending rate exceeded.', { outcome: 'throttled' }],
    [400, 'Throttling', 'Daily message quota exceeded.', { outcome: 'throttled', quotaUsedUp: true }],
    [400, 'MessageRejected', 'Bad content.', { outcome: 'refused' }],
    [400, 'MessageRejected', 'Email address is not verified: ann@example.com', { outcome: 'set-up' }],
    [400, 'InvalidParameterValue', 'Local address ann@example.com', { outcome: 'refused' }],
    [400, 'MailFromDomainNotVerifiedException', 'no', { outcome: 'set-up' }],
    [400, 'ConfigurationSetDoesNotExist', 'no', { outcome: 'set-up' }],
    [403, 'AccessDenied', 'User is not allowed to send to ann@example.com', { outcome: 'set-up' }],
    [403, 'InvalidClientTokenId', 'no', { outcome: 'set-up' }],
    [400, 'AccountSendingPausedException', 'no', { outcome: 'paused' }],
    [400, 'ConfigurationSetSendingPausedException', 'no', { outcome: 'paused' }],
    [400, 'SomethingOfTomorrow', 'no', { outcome: 'set-up' }],
    [500, 'InternalFailure', 'no', { outcome: 'unknown' }],
    [502, 'BadGateway', 'no', { outcome: 'unknown' }],
    [503, 'Throttling', 'Maximum sending rate exceeded.', { outcome: 'unknown' }],
    [504, 'GatewayTimeout', 'no', { outcome: 'unknown' }],
  ])('%i %s "%s" is told by code and request id, without its text', async (status, code, message, expected) => {
    const server = await httpServer((response) => {
      response.writeHead(status, { 'x-amzn-requestid': 'request-1' }).end(sesError(code, message))
    })
    const answer = await sendOne(mailerFor(server.url))
    expect(answer).toEqual({
      ...notAccepted,
      ...expected,
      code,
      requestId: 'request-1',
      beganAt: expect.any(Number),
      endedAt: expect.any(Number),
    })
    expect(server.requests).toBe(1)
  })

  it.each([
    ['set-up', 'MessageRejected', { account: { unverified: ['portal@example.com'] } }],
    [
      'paused',
      'ConfigurationSetSendingPausedException',
      { account: { configurationSets: { forewarn: { sendingEnabled: false } } } },
    ],
    ['set-up', 'ConfigurationSetDoesNotExist', { account: { configurationSets: {} } }],
    [
      'set-up',
      'SignatureDoesNotMatch',
      { faults: { faults: [{ fault: 'signature-age', maxSeconds: 0 }] }, now: () => Date.now() + 60_000 },
    ],
  ] satisfies [string, string, InboxOptions][])('of the inbox is %s: %s', async (outcome, code, options) => {
    const inbox = await inboxWith(options)
    expect(await sendOne(mailerFor(inbox.url))).toMatchObject({ outcome, code })
    expect(inbox.calls.begun).toBe(1)
  })

  it('with a code that might be a text is taken for nobody’s answer', async () => {
    const server = await httpServer((response) => {
      response.writeHead(400, { 'x-amzn-requestid': 'for ann@example.com' }).end(sesError('Bad ann@example.com', 'no'))
    })
    expect(await sendOne(mailerFor(server.url))).toMatchObject({
      outcome: 'unknown',
      code: 'http-400',
      requestId: null,
    })
  })
})

describe('an answer that is not of SES', () => {
  it.each([
    [200, '', 'http-200'],
    [200, '<html><body><h1>Welcome</h1></body></html>', 'http-200'],
    [200, '<html><body><br>Welcome</body></html>', 'http-200'],
    [200, 'ok', 'http-200'],
    [302, '', 'http-302'],
    [400, '<html><body><h1>Bad request</h1></body></html>', 'http-400'],
    [403, '<html><body><br>Forbidden</body></html>', 'http-403'],
    [403, '{"message":"Forbidden"}', 'http-403'],
    [404, '<html><body><h1>Not found</h1></body></html>', 'http-404'],
    [500, '', 'http-500'],
    [502, '<html><body><h1>Bad gateway</h1></body></html>', 'http-502'],
    [503, '', 'http-503'],
  ])('%i "%s" leaves a doubt', async (status, body, code) => {
    const server = await httpServer((response) => response.writeHead(status).end(body))
    expect(await sendOne(mailerFor(server.url))).toMatchObject({ ...notAccepted, outcome: 'unknown', code })
    expect(server.requests).toBe(1)
  })
})

describe('a call that breaks', () => {
  it.each([
    ['cut', false],
    ['cut', true],
    ['error-500', true],
    ['empty-answer', true],
  ] as const)(
    'by %s, with the mail accepted: %s, leaves a doubt and is not tried again',
    async (fault, wasAccepted) => {
      const inbox = await inboxWith({ faults: { faults: [{ fault, accepted: wasAccepted }] } })
      expect(await sendOne(mailerFor(inbox.url))).toMatchObject({ ...notAccepted, outcome: 'unknown' })
      expect(inbox.calls.begun).toBe(1)
      expect(inbox.calls.accepted).toBe(wasAccepted ? 1 : 0)
    },
  )

  it.each([
    ['hang', false],
    ['hang', true],
    ['half-answer', true],
  ] as const)('by %s, with the mail accepted: %s, ends in time and leaves a doubt', async (fault, wasAccepted) => {
    const inbox = await inboxWith({ faults: { faults: [{ fault, accepted: wasAccepted }] } })
    const answer = await sendOne(mailerFor(inbox.url, { timeoutMs: 1_000 }))
    expect(answer).toMatchObject({ ...notAccepted, outcome: 'unknown', code: 'timeout' })
    expect(answer.endedAt - (answer.beganAt ?? 0)).toBeLessThan(10_000)
    expect(inbox.calls.begun).toBe(1)
  })

  it('does not end a call sooner because its connection is idle meanwhile', async () => {
    const inbox = await inboxWith({ faults: { faults: [{ fault: 'latency', ms: 1_500 }] } })
    expect(await sendOne(mailerFor(inbox.url))).toMatchObject({ outcome: 'accepted' })
  })

  it('by a reset after the upload over TLS leaves a doubt', async () => {
    trustOwnCertificate()
    const server = await httpsServer(() => {
      for (const socket of server.connections) socket.resetAndDestroy()
    })
    expect(await sendOne(mailerFor(server.url))).toMatchObject({
      ...notAccepted,
      outcome: 'unknown',
      code: 'ECONNRESET',
    })
    expect(server.requests).toBe(1)
  })

  it('by garbage in the TLS stream after the upload leaves a doubt, though its error is one of TLS', async () => {
    trustOwnCertificate()
    const server = await httpsServer(() => server.connections[0]?.write('HTTP/1.1 200 OK\r\n\r\n'))
    const answer = await sendOne(mailerFor(server.url))
    expect(answer).toMatchObject({ ...notAccepted, outcome: 'unknown' })
    expect(answer.code).toMatch(/SSL|EPROTO/)
  })

  it('by an answer that is no HTTP leaves a doubt', async () => {
    const server = await tcpServer('http', (socket) => socket.once('data', () => socket.end('220 smtp ready\r\n')))
    expect(await sendOne(mailerFor(server.url))).toMatchObject({ ...notAccepted, outcome: 'unknown' })
    expect(server.connections).toHaveLength(1)
  })
})

describe('without a connection the mail is surely not sent', () => {
  const unreachable = { outcome: 'not-sent', sesId: null, unreachable: true, beganAt: expect.any(Number) }

  it('when nobody listens', async () => {
    const answer = await sendOne(mailerFor(`http://127.0.0.1:${await closedPort()}`))
    expect(answer).toMatchObject({ ...unreachable, code: 'ECONNREFUSED' })
  })

  it('when the name cannot be resolved', async () => {
    const answer = await sendOne(mailerFor('http://email.no-such-host.invalid'))
    expect(answer).toMatchObject(unreachable)
    expect(answer.code).toMatch(/^(ENOTFOUND|EAI_AGAIN)$/)
  })

  it('when the connection is neither taken nor refused', async () => {
    const port = await blackHole()
    const answer = await sendOne(mailerFor(`http://127.0.0.1:${port}`, { timeoutMs: 300 }))
    expect(answer).toMatchObject({ ...unreachable, code: 'timeout' })
  })

  it('when the certificate is not trusted, and not a byte of the request is sent', async () => {
    const server = await httpsServer((response) => response.end(accepted))
    const answer = await sendOne(mailerFor(server.url))
    expect(answer).toMatchObject({ ...unreachable, code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    expect(server.requests).toBe(0)
  })

  it('when the server speaks no TLS', async () => {
    const server = await httpServer((response) => response.end(accepted))
    const answer = await sendOne(mailerFor(server.url.replace('http:', 'https:')))
    expect(answer).toMatchObject(unreachable)
    expect(server.requests).toBe(0)
  })

  it.each([
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
    ['ends', (socket: Socket) => socket.end()],
  ])('when the server %s the connection in the TLS handshake', async (_, end) => {
    const server = await tcpServer('https', (socket) => socket.once('data', () => end(socket)))
    expect(await sendOne(mailerFor(server.url))).toMatchObject({ ...unreachable, code: 'ECONNRESET' })
    expect(server.connections).toHaveLength(1)
  })

  it('when the TLS handshake hangs', async () => {
    const server = await tcpServer('https', () => undefined)
    const answer = await sendOne(mailerFor(server.url, { timeoutMs: 300 }))
    expect(answer).toMatchObject({ ...unreachable, code: 'timeout' })
  })
})

describe('a call that is not to begin', () => {
  const refused = { outcome: 'not-sent', sesId: null, unreachable: false, beganAt: null }

  it('does not begin when the signal has aborted before', async () => {
    const inbox = await inboxWith()
    expect(await sendOne(mailerFor(inbox.url), AbortSignal.abort())).toMatchObject({ ...refused, code: 'aborted' })
    expect(inbox.calls.begun).toBe(0)
  })

  it('does not begin when the credentials come after callBy', async () => {
    const inbox = await inboxWith()
    const now = stoppedClocks()
    const mailer = mailerFor(inbox.url, {
      clocks: now,
      credentials: async () => {
        now.at += 2_000
        return { accessKeyId: 'late', secretAccessKey: 'late' }
      },
    })
    const answer = await mailer.send(mail, deadlineIn(2_000, now), never)
    expect(answer).toMatchObject({ ...refused, code: 'too-late-to-call', endedAt: now.at })
    expect(inbox.calls.begun).toBe(0)
  })

  it.each([
    ['wall', { wallAt: 1_000_000, monotonicMs: 9_000_000 }],
    ['monotonic', { wallAt: 9_000_000, monotonicMs: 1_000_000 }],
  ])('does not begin at callBy itself by the %s clock, and does just before', async (_, callBy) => {
    const inbox = await inboxWith()
    const now = stoppedClocks()
    const mailer = mailerFor(inbox.url, { clocks: now })
    now.at = 1_000_000
    expect(await mailer.send(mail, callBy, never)).toMatchObject(refused)
    expect(inbox.calls.begun).toBe(0)
    now.at = 999_999
    expect(await mailer.send(mail, callBy, never)).toMatchObject({ outcome: 'accepted', beganAt: 999_999 })
  })

  it('ends in time when the credentials never come, and does not begin when they come after that', async () => {
    const inbox = await inboxWith()
    const credentials = Promise.withResolvers<{ accessKeyId: string; secretAccessKey: string }>()
    let asked = 0
    const mailer = mailerFor(inbox.url, {
      timeoutMs: 200,
      credentials: () => {
        asked++
        return credentials.promise
      },
    })
    expect(await sendOne(mailer)).toMatchObject({ ...refused, code: 'timeout' })
    expect(asked).toBe(1)

    credentials.resolve({ accessKeyId: 'late', secretAccessKey: 'late' })
    // A later call with the same credentials has gone all the way by now; the earlier one has not.
    await sendOne(mailer)
    expect(inbox.calls.begun).toBe(1)
  })

  it('does not begin when it is told to end while the credentials are awaited', async () => {
    const inbox = await inboxWith()
    const ending = new AbortController()
    const mailer = mailerFor(inbox.url, {
      credentials: () => {
        ending.abort()
        return new Promise(() => undefined)
      },
    })
    expect(await sendOne(mailer, ending.signal)).toMatchObject({ ...refused, code: 'aborted' })
    expect(inbox.calls.begun).toBe(0)
  })

  it('is a fault of the set-up when there are no credentials', async () => {
    const inbox = await inboxWith()
    const mailer = mailerFor(inbox.url, {
      credentials: () => Promise.reject(Object.assign(new Error('none'), { name: 'CredentialsProviderError' })),
    })
    expect(await sendOne(mailer)).toMatchObject({ ...refused, outcome: 'set-up', code: 'CredentialsProviderError' })
    expect(inbox.calls.begun).toBe(0)
  })

  it('does not begin in a process that was frozen past callBy', async () => {
    const inbox = await inboxWith()
    const child = childSender(inbox.url, '10000', '300')
    const [{ callBy }] = (await once(child, 'message')) as [{ callBy: number }]
    child.kill('SIGSTOP')
    await sleep(Math.max(0, callBy - Date.now()))
    const answered = once(child, 'message')
    child.send('go on')
    child.kill('SIGCONT')
    expect((await answered)[0]).toMatchObject({ ...refused, code: 'too-late-to-call' })
    expect(inbox.calls.begun).toBe(0)
  })
})

describe('a call that is told to end', () => {
  it('leaves a doubt once its request is under way', async () => {
    const inbox = await inboxWith()
    const held = inbox.holdCalls()
    const ending = new AbortController()
    const answer = sendOne(mailerFor(inbox.url), ending.signal)
    await inbox.waitFor(() => held.waiting.length === 1)
    ending.abort()
    expect(await answer).toMatchObject({ ...notAccepted, outcome: 'unknown', code: 'aborted' })
    expect(inbox.calls.begun).toBe(1)
  })

  it('is surely not sent while it has no connection, and no sign of an outage', async () => {
    const connected = Promise.withResolvers<void>()
    const server = await tcpServer('https', () => connected.resolve())
    const ending = new AbortController()
    const answer = sendOne(mailerFor(server.url), ending.signal)
    await connected.promise
    ending.abort()
    expect(await answer).toMatchObject({ outcome: 'not-sent', code: 'aborted', unreachable: false })
  })

  it('leaves nothing on the signal when it has ended', async () => {
    const inbox = await inboxWith()
    const { signal } = new AbortController()
    const mailer = mailerFor(inbox.url)
    for (let n = 0; n < 20; n++) await sendOne(mailer, signal)
    expect(events.getEventListeners(signal, 'abort')).toEqual([])
  })
})

it.each([
  ['a good answer', []],
  ['a time-out', [{ fault: 'hang' as const }]],
  ['half an answer', [{ fault: 'half-answer' as const }]],
])('keeps no process alive after %s', async (_, faults) => {
  const inbox = await inboxWith({ faults: { faults } })
  const child = childSender(inbox.url, '400')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(inbox.calls.begun).toBe(1)
})

describe('connections', () => {
  it('are used again by the next call', async () => {
    const server = await httpServer((response) => response.end(accepted))
    const mailer = mailerFor(server.url)
    await sendOne(mailer)
    await sendOne(mailer)
    expect(server.requests).toBe(2)
    expect(server.connections).toHaveLength(1)
  })

  it('are closed by us before an idle one is closed by the server, so that no call meets its end', async () => {
    const server = await httpServer((response) => response.end(accepted))
    const mailer = mailerFor(server.url)
    await sendOne(mailer)
    const [first] = server.connections
    const idleSince = performance.now()
    await once(first as Socket, 'close')
    expect(performance.now() - idleSince).toBeLessThan(4_000)
    expect(await sendOne(mailer)).toMatchObject({ outcome: 'accepted' })
    expect(server.connections).toHaveLength(2)
  })

  it('that the server closes after its answer are not used again', async () => {
    const server = await httpServer((response) => response.setHeader('connection', 'close').end(accepted))
    const mailer = mailerFor(server.url)
    for (let n = 0; n < 3; n++) expect(await sendOne(mailer)).toMatchObject({ outcome: 'accepted' })
    expect(server.connections).toHaveLength(3)
  })

  it('that break when used again leave a doubt: the mail may have been taken', async () => {
    const server = await httpServer((response, requests) =>
      requests === 1 ? response.end(accepted) : response.socket?.resetAndDestroy(),
    )
    const mailer = mailerFor(server.url)
    await sendOne(mailer)
    expect(await sendOne(mailer)).toMatchObject({ ...notAccepted, outcome: 'unknown', code: 'ECONNRESET' })
    expect(server.connections).toHaveLength(1)
    expect(server.requests).toBe(2)
  })

  it('are never waited for: a call beyond the usual number begins at once', async () => {
    const inbox = await inboxWith()
    const held = inbox.holdCalls()
    const mailer = mailerFor(inbox.url, { concurrency: 1 })
    const answers = [sendOne(mailer), sendOne(mailer), sendOne(mailer)]
    await inbox.waitFor(() => held.waiting.length === 3)
    held.release()
    expect((await Promise.all(answers)).map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted'])
  })
})

const accepted =
  '<SendRawEmailResponse><SendRawEmailResult><MessageId>ses-1</MessageId></SendRawEmailResult></SendRawEmailResponse>'

function sesError(code: string, message: string): string {
  return `<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>request-1</RequestId></ErrorResponse>`
}

/** All three clocks show `at`. */
function stoppedClocks(): Clocks & { at: number } {
  const clock = { at: 1_000, business: () => clock.at, wall: () => clock.at, monotonicMs: () => clock.at }
  return clock
}

function trustOwnCertificate(): void {
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, cert])
  onTestFinished(() => setDefaultCACertificates(before))
}

function childSender(...args: string[]): ChildProcess {
  const child = fork(new URL('./child-sender.ts', import.meta.url), args)
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** A port whose connections are never taken up: its process is frozen, and its queue full. */
async function blackHole(): Promise<number> {
  const listen = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
    console.log(this.address().port)
  })`
  const child = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const port = Number(line.toString())
  child.kill('SIGSTOP')

  // The kernel takes connections on its own until the queue is full: the backlog and one.
  const fillers = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
  onTestFinished(() => {
    for (const filler of fillers) filler.destroy()
  })
  let taken = 0
  const full = Promise.withResolvers<void>()
  for (const filler of fillers) filler.once('connect', () => ++taken === 2 && full.resolve())
  await full.promise
  return port
}
