import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

import type { Instant } from '#core/instant.ts'

import type { Account, SentRecently } from './account.ts'
import { answerTo } from './actions.ts'
import { type Answer, answered, element, refused } from './answers.ts'
import type { CallGate } from './call-gate.ts'
import type { Call, Calls } from './calls.ts'
import type { FaultPlayer } from './fault-player.ts'
import { isSpoiling, type RefusingFault, type SpoilingFault } from './faults.ts'
import type { Mails } from './mails.ts'
import { type Query, readQuery, recipientsOf, tagsOf } from './query.ts'
import { accountPaused, maxMessageBytes, readSubmission } from './submission.ts'

/** What the endpoint works on; `changed` is told after everything that someone may be waiting for. */
export interface SesParts {
  readonly account: Account
  readonly sent: SentRecently
  readonly mails: Mails
  readonly calls: Calls
  readonly faults: FaultPlayer
  readonly gate: CallGate
  readonly now: () => Instant
  readonly changed: () => void
  /** Aborted when the inbox stops: delays end, and nothing is accepted any more. */
  readonly stopping: AbortSignal
}

/** base64 takes 4 characters for 3 bytes, of which `+`, `/` and `=` may be escaped to three each. */
const maxBodyBytes = maxMessageBytes * 2

/** Plays Amazon SES for one HTTP request: log, faults, hold, decision, answer. */
export async function playSes(parts: SesParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const call = parts.calls.begin(parts.now())
  // `close` comes after every response, written or not: the first recorded end counts.
  response.once('close', () => end(parts, call, 'gone', null))
  parts.changed()

  const body = await readBody(request)
  if (body === null) {
    return write(parts, call, response, refused('RequestEntityTooLarge', 'Request is too large.', [], 413))
  }
  const query = readQuery(body)
  describe(call, query)
  const isSending = query.action === 'SendRawEmail' || query.action === 'SendEmail'
  const strike = parts.faults.strike({
    action: query.action,
    to: call.to,
    at: call.begunAt,
    signatureAgeMs: signatureAgeMs(request, call.begunAt),
    sentLast24Hours: parts.account.sentByOthers + parts.sent.count(call.begunAt),
    max24HourSend: parts.account.max24HourSend,
    maxSendRate: parts.account.maxSendRate,
  })
  call.fault = strike.fault?.fault ?? null

  if (isSending) await parts.gate.pass('before', call)
  if (strike.latencyMs > 0) await delay(strike.latencyMs, undefined, { signal: parts.stopping })
  if (parts.stopping.aborted) return

  const { fault } = strike
  if (fault && !isSpoiling(fault)) return write(parts, call, response, refusalOf(fault, request, parts.now()))
  if (fault && !fault.accepted) return spoil(parts, call, response, fault, '')

  const answer = isSending
    ? await accept(parts, call, query)
    : answerTo(query, parts.account, parts.sent.count(parts.now()))
  parts.changed()
  if (isSending) await parts.gate.pass('after', call)
  if (parts.stopping.aborted) return
  if (fault) return spoil(parts, call, response, fault, answer.xml(call.requestId))
  return write(parts, call, response, answer)
}

/** The one place where a message is stored, and by that accepted. */
async function accept(parts: SesParts, call: Call, query: Query): Promise<Answer> {
  const submission = await readSubmission(query, parts.account)
  if ('code' in submission) return submission
  const mail = parts.mails.add({ ...submission, at: parts.now() })
  parts.sent.add(mail.at, mail.to.length)
  parts.calls.accept(call, mail.id)
  return answered(query.action, [element('MessageId', mail.id)])
}

function describe(call: Call, query: Query): void {
  call.action = query.action
  call.to = recipientsOf(query)
  call.tags = tagsOf(query)
  call.message = call.tags.find((tag) => tag.name === 'message')?.value ?? null
  call.configurationSet = query.one('ConfigurationSetName') ?? null
}

function refusalOf(fault: RefusingFault, request: IncomingMessage, now: Instant): Answer {
  switch (fault.fault) {
    case 'rate':
      return refused('Throttling', 'Maximum sending rate exceeded.')
    case 'daily-quota':
      return refused('Throttling', 'Daily message quota exceeded.')
    case 'reject':
      return refused('MessageRejected', fault.message)
    case 'paused':
      return accountPaused()
    case 'signature-age': {
      const signed = String(request.headers['x-amz-date'])
      const oldest = amzDate(now - fault.maxSeconds * 1000)
      const limits = `${oldest} (${amzDate(now)} - ${fault.maxSeconds / 60} min.)`
      return refused('SignatureDoesNotMatch', `Signature expired: ${signed} is now earlier than ${limits}`, [], 403)
    }
  }
}

/** Ends a call in a way in which the caller cannot know whether the message was accepted. */
function spoil(parts: SesParts, call: Call, response: ServerResponse, fault: SpoilingFault, xml: string): void {
  switch (fault.fault) {
    case 'error-500':
      write(parts, call, response, refused('InternalFailure', 'The request processing has failed.', [], 500))
      return
    case 'cut':
      end(parts, call, 'cut', null)
      response.destroy()
      return
    case 'empty-answer':
      end(parts, call, 'empty', 200)
      response.writeHead(200, { 'content-type': 'text/xml' }).end()
      return
    case 'half-answer':
      // What is written and never ended keeps the caller waiting until it leaves or the inbox stops.
      response.writeHead(200, { 'content-type': 'text/xml', 'content-length': Math.max(2, xml.length) })
      response.write(xml.slice(0, xml.length / 2) || '<')
      end(parts, call, 'hung', 200)
      return
    case 'hang':
      end(parts, call, 'hung', null)
  }
}

function write(parts: SesParts, call: Call, response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return
  response.writeHead(answer.status, { 'content-type': 'text/xml', 'x-amzn-requestid': call.requestId })
  response.end(answer.xml(call.requestId))
  end(parts, call, answer.code ?? 'ok', answer.status)
}

function end(parts: SesParts, call: Call, outcome: string, status: number | null): void {
  parts.calls.end(call, parts.now(), outcome, status)
  parts.changed()
}

/** The whole body as text; null when it is too large. Rejects when the caller leaves before its end. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= maxBodyBytes) chunks.push(chunk)
  }
  return length > maxBodyBytes ? null : Buffer.concat(chunks).toString()
}

/** The age that the signature's date (`20261123T190738Z`) claims; without one, 0. */
function signatureAgeMs(request: IncomingMessage, now: Instant): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(request.headers['x-amz-date']))
  if (!parts) return 0
  const [, year, month, day, hour, minute, second] = parts
  return now - Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

function amzDate(at: Instant): string {
  return new Date(at).toISOString().replace(/[-:]|\.\d+/g, '')
}
