import { GetSendQuotaCommand, SESClient, type SESClientConfig, SendRawEmailCommand } from '@aws-sdk/client-ses'
import { type Clocks, type Deadline, passed } from '#core/clock.ts'
import type { SesQuota } from '#core/outcome.ts'
import type { Answer, Mailer, SesMail } from './mail.ts'
import { type CallEnd, classify, type SesError } from './ses-outcomes.ts'
import { NotConnected, sesTransport } from './ses-transport.ts'

export interface SesOptions {
  /** Of one call, whole. */
  readonly timeoutMs: number
  /** Calls that are in flight at once; as many connections are kept. */
  readonly concurrency: number
  readonly clocks: Clocks
  /** Set by the demo and by tests; otherwise the SDK's own chain of settings applies. */
  readonly endpoint?: string
  readonly region?: string
  readonly credentials?: NonNullable<SESClientConfig['credentials']>
}

/** Amazon SES through the AWS SDK: one try, one abort signal over the whole call, and an answer in every case. */
export function sesMailer(options: SesOptions): Mailer {
  const { clocks, timeoutMs, endpoint, region, credentials } = options
  const client = new SESClient({
    // The SDK's retries would send a mail again that was accepted already.
    maxAttempts: 1,
    requestHandler: sesTransport(options.concurrency),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
  })

  async function send(mail: SesMail, callBy: Deadline, signal: AbortSignal): Promise<Answer> {
    let beganAt: number | null = null
    let broken: unknown = null
    const end = endOf(signal, timeoutMs)
    const command = commandFor(mail)
    // The last step before the network, after credentials and signature: both can take as long as they like.
    command.middlewareStack.add(
      (next) => async (args) => {
        if (end.aborted || passed(callBy, clocks)) throw new Refusal()
        beganAt = clocks.wall()
        try {
          return await next(args)
        } catch (error) {
          // Kept here, since the SDK puts an error of its own in its place once the call was told to end.
          broken = error
          throw error
        }
      },
      { step: 'deserialize', priority: 'low', name: 'callBy' },
    )

    try {
      const output = await orRefusal(client.send(command, { abortSignal: end }), end, () => beganAt !== null)
      const { httpStatusCode: httpStatus = 0, requestId } = output.$metadata
      return answer(output.MessageId ?? '', { at: 'answer', httpStatus, sesError: null }, requestId)
    } catch (error) {
      const callEnd = endFrom(broken ?? error, beganAt !== null, end, signal)
      return answer('', callEnd, (error as SdkError | null)?.$metadata?.requestId)
    }

    function answer(sesId: string, otherwise: CallEnd, requestId: string | undefined): Answer {
      const accepted = { outcome: 'accepted', code: null, quotaUsedUp: false, unreachable: false } as const
      return {
        ...(sesId === '' ? classify(otherwise) : accepted),
        sesId: sesId === '' ? null : sesId,
        requestId: requestId !== undefined && plainCode.test(requestId) ? requestId : null,
        beganAt,
        endedAt: clocks.wall(),
      }
    }
  }

  async function quota(signal: AbortSignal): Promise<SesQuota> {
    const end = endOf(signal, timeoutMs)
    const answer = await orRefusal(client.send(new GetSendQuotaCommand({}), { abortSignal: end }), end, () => false)
    const { Max24HourSend: max, MaxSendRate: rate, SentLast24Hours: sent } = answer
    if (max === undefined || rate === undefined || sent === undefined) throw new Error('SES gave no quota')
    return { max24Hour: max < 0 ? null : max, maxPerSecond: rate, sentLast24Hours: sent }
  }

  return { send, quota, close: () => client.destroy() }
}

/** Our own decision not to begin a call, or to wait for it no longer. */
class Refusal extends Error {
  override readonly name = 'Refusal'
}

/** Aborts when a call must end: at the latest after `timeoutMs`. */
function endOf(signal: AbortSignal, timeoutMs: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
}

/**
 * The call, or a refusal when its end comes before it began: the SDK waits for credentials as long as they take. Once
 * begun, the transport ends it, and tells how far it had come.
 */
async function orRefusal<T>(call: Promise<T>, end: AbortSignal, began: () => boolean): Promise<T> {
  const { promise: refusal, reject } = Promise.withResolvers<never>()
  const refuse = (): void => {
    if (!began()) reject(new Refusal())
  }
  if (end.aborted) refuse()
  end.addEventListener('abort', refuse, { once: true })
  return Promise.race([call, refusal]).finally(() => end.removeEventListener('abort', refuse))
}

function commandFor(mail: SesMail): SendRawEmailCommand {
  return new SendRawEmailCommand({
    Source: mail.source,
    Destinations: [mail.destination],
    RawMessage: { Data: mail.raw },
    ...(mail.configurationSet === null ? {} : { ConfigurationSetName: mail.configurationSet }),
    Tags: Object.entries(mail.tags).map(([Name, Value]) => ({ Name, Value })),
  })
}

/** What the SDK throws, as far as it can be trusted: its names alone do not tell who answered. */
interface SdkError {
  readonly name?: string
  readonly code?: unknown
  readonly Error?: { readonly Code?: unknown; readonly Message?: unknown }
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
}

/** How far a call came that failed. `end` is what had to end it, `signal` the caller's share in that. */
function endFrom(thrown: unknown, began: boolean, end: AbortSignal, signal: AbortSignal): CallEnd {
  const givenUp = end.aborted ? (signal.aborted ? 'aborted' : 'timeout') : null
  if (thrown instanceof Refusal) return { at: 'refusal', code: givenUp ?? 'too-late-to-call' }
  if (thrown instanceof NotConnected) {
    const code = givenUp ?? codeOf(thrown.cause) ?? 'not-connected'
    return { at: 'connection', code, givenUp: signal.aborted }
  }
  if (!began) return { at: 'preparation', code: codeOf(thrown) ?? 'not-prepared' }

  const error = (thrown ?? {}) as SdkError
  const httpStatus = error.$metadata?.httpStatusCode
  if (httpStatus === undefined) return { at: 'exchange', code: givenUp ?? codeOf(thrown) ?? 'no-answer' }
  return { at: 'answer', httpStatus, sesError: sesErrorOf(error) }
}

/** SES's own error, out of a body that the SDK could parse. */
function sesErrorOf({ Error: body }: SdkError): SesError | null {
  if (typeof body?.Code !== 'string' || !plainCode.test(body.Code)) return null
  return { code: body.Code, message: typeof body.Message === 'string' ? body.Message : '' }
}

/** What may be logged: a code or an id, never a text, which may quote an address. */
const plainCode = /^[\w.-]{1,100}$/

/** The network's code, or the SDK's name for the error; null: neither says anything. */
function codeOf(thrown: unknown): string | null {
  const { code, name } = (thrown ?? {}) as SdkError
  const found = [code, name].find((text) => typeof text === 'string' && plainCode.test(text) && text !== 'Error')
  return typeof found === 'string' ? found : null
}
