import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'

import { ForewarnError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'

import { type Account, newAccount, SentRecently } from './account.ts'
import { CallGate, type HeldCalls, type HoldPoint } from './call-gate.ts'
import { Calls } from './calls.ts'
import { FaultPlayer } from './fault-player.ts'
import type { Faults } from './faults.ts'
import { inboxApi, isOwnHost } from './http-api.ts'
import type { InboxView } from './inbox-view.ts'
import { Mails } from './mails.ts'
import { playSes } from './ses-endpoint.ts'
import { Waiting } from './waiting.ts'

export interface InboxOptions {
  /** Default 127.0.0.1, and any free port. */
  readonly host?: string
  readonly port?: number
  readonly faults?: Faults
  readonly account?: Partial<Account>
  /** How many mails are kept (default 5,000; the oldest go first). */
  readonly maxMails?: number
  readonly now?: () => Instant
  /** What is shown to people: `inboxPages` of `#inbox/pages/pages.ts`. Without it there are only SES and JSON. */
  readonly pages?: (inbox: InboxView) => Hono
}

export interface RunningInbox extends InboxView {
  /** The SES endpoint (`AWS_ENDPOINT_URL_SES`) and the page's address; no slash at its end. */
  readonly url: string
  readonly port: number
  /** Resolves as soon as the predicate is true; it is asked again after every change. Rejects when the inbox stops first. */
  waitFor(predicate: () => boolean): Promise<void>
  /** Resolves when `n` messages have been accepted since the start. */
  accepted(n: number): Promise<void>
  /**
   * Keeps every sending call that comes from now on in flight; `waitFor(() => held.waiting.length === n)` awaits them.
   * Which fault strikes a call is decided when it comes, before it is held.
   */
  holdCalls(point?: HoldPoint): HeldCalls
  /** Ends all that hangs, and closes. Twice is fine. */
  stop(): Promise<void>
}

const maxCalls = 200_000

/**
 * Starts an HTTP server that the AWS SDK takes for Amazon SES, and that keeps what it gets.
 * @throws {ForewarnError} `port-taken`, or `input-unreadable` for faults that cannot be played.
 */
export async function startInbox(options: InboxOptions = {}): Promise<RunningInbox> {
  const { host = '127.0.0.1', port = 0, maxMails = 5_000, now = Date.now } = options
  const waiting = new Waiting()
  const stopping = new AbortController()
  const changed = () => waiting.changed()
  const gate = new CallGate(changed)
  const view: InboxView = {
    account: newAccount(options.account),
    mails: new Mails(maxMails),
    calls: new Calls(maxCalls),
    faults: new FaultPlayer(options.faults),
    watch: (listener, signal) => waiting.watch(listener, signal),
  }
  const ses = { ...view, gate, now, changed, sent: new SentRecently(), stopping: stopping.signal }
  const toApi = getRequestListener(inboxApi(view, changed, options.pages?.(view)).fetch)

  const server = createServer((request, response) => {
    if (!isOwnHost(request.headers.host)) return refuse(response, 403, 'This inbox answers to this machine only.\n')
    if (request.method !== 'POST' || request.url !== '/') return void toApi(request, response)
    if (request.headers.origin !== undefined) return refuse(response, 403, 'Browsers cannot send mail here.\n')
    // A caller that leaves, or the inbox stopping, ends the play early: the log has it.
    playSes(ses, request, response).catch(() => response.destroy())
  })
  await listen(server, host, port)
  const actualPort = (server.address() as AddressInfo).port

  let stopped: Promise<void> | null = null
  return {
    ...view,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actualPort}`,
    port: actualPort,
    waitFor: (predicate) => waiting.until(predicate),
    accepted: (n) => waiting.until(() => view.calls.accepted >= n),
    holdCalls: (point = 'before') => gate.hold(point),
    stop: () => {
      stopped ??= stop()
      return stopped
    },
  }

  async function stop(): Promise<void> {
    stopping.abort()
    gate.releaseAll()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
    waiting.end()
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  try {
    await promise
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause
    throw new ForewarnError('port-taken', `Port ${port} on ${host} is taken by another process.`, {
      hint: 'Stop that process, or choose another port with --port (0 = any free one).',
      cause,
    })
  }
}

function refuse(response: ServerResponse<IncomingMessage>, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
}
