import type { Outcome } from '#core/outcome.ts'

/** How a SES call without a message id ended, by how far it had come. `code` is for logs: never a text of SES's. */
export type CallEnd =
  /** We did not begin it: too late, or told to end. */
  | { readonly at: 'refusal'; readonly code: string }
  /** The SDK could not make the request: no credentials, no region. */
  | { readonly at: 'preparation'; readonly code: string }
  /** No connection: not a byte has left. `given up`: by us, which says nothing of SES. */
  | { readonly at: 'connection'; readonly code: string; readonly givenUp: boolean }
  /** The request had a connection; an answer did not come, or not whole. */
  | { readonly at: 'exchange'; readonly code: string }
  /** Somebody answered; `sesError` null: not SES, as far as one can tell. */
  | { readonly at: 'answer'; readonly httpStatus: number; readonly sesError: SesError | null }

export interface SesError {
  readonly code: string
  readonly message: string
}

interface Classified {
  readonly outcome: Exclude<Outcome, 'accepted'>
  readonly code: string
  readonly quotaUsedUp: boolean
  readonly unreachable: boolean
}

/**
 * Says what the end of a call without a message id means. That a mail was not accepted is sure only when its request
 * never left, or when SES itself says so; an answer of 500 or more, a proxy's page or a broken connection tells nothing.
 */
export function classify(end: CallEnd): Classified {
  const none = { quotaUsedUp: false, unreachable: false }
  switch (end.at) {
    case 'refusal':
      return { ...none, outcome: 'not-sent', code: end.code }
    case 'preparation':
      return { ...none, outcome: 'set-up', code: end.code }
    case 'connection':
      return { ...none, outcome: 'not-sent', code: end.code, unreachable: !end.givenUp }
    case 'exchange':
      return { ...none, outcome: 'unknown', code: end.code }
    case 'answer':
      return { ...none, ...byAnswer(end.httpStatus, end.sesError) }
  }
}

function byAnswer(httpStatus: number, sesError: SesError | null): Pick<Classified, 'outcome' | 'code'> {
  if (sesError === null) return { outcome: 'unknown', code: `http-${httpStatus}` }
  // 408: SES gave up waiting for the request, and may have had enough of it.
  const isRefusal = httpStatus >= 400 && httpStatus < 500 && httpStatus !== 408
  return { code: sesError.code, ...(isRefusal ? bySesError(sesError) : { outcome: 'unknown' }) }
}

// Sources: Amazon SES API reference, errors of SendRawEmail and "Common Errors"; developer guide, "Errors related to the
// sending quotas". The texts are those that SES gives today: where only they tell two cases apart, there is no other way.
const bySesCode: Readonly<Record<string, Classified['outcome']>> = {
  Throttling: 'throttled',
  ThrottlingException: 'throttled',
  TooManyRequestsException: 'throttled',
  MessageRejected: 'refused',
  InvalidParameterValue: 'refused',
  AccountSendingPausedException: 'paused',
  ConfigurationSetSendingPausedException: 'paused',
}

const dailyQuota = /daily message quota/i
const notVerified = /not verified/i
const accountPaused = /sending (paused|suspended)/i

function bySesError({ code, message }: SesError): { outcome: Classified['outcome']; quotaUsedUp?: boolean } {
  // A code that is not in the table is surely no acceptance, but nor is it the message's own fault.
  const outcome = Object.hasOwn(bySesCode, code) ? (bySesCode[code] ?? 'set-up') : 'set-up'
  if (outcome === 'throttled') return { outcome, quotaUsedUp: dailyQuota.test(message) }
  if (code === 'MessageRejected' && notVerified.test(message)) return { outcome: 'set-up' }
  if (code === 'MessageRejected' && accountPaused.test(message)) return { outcome: 'paused' }
  return { outcome }
}
