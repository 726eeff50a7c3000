import { describe, expect, it } from 'vitest'
import { type CallEnd, classify } from '#mail/ses-outcomes.ts'

function answered(httpStatus: number, code: string, message = 'Text.'): CallEnd {
  return { at: 'answer', httpStatus, sesError: { code, message } }
}

describe('an error of SES', () => {
  it.each([
    [400, 'Throttling', 'Maximum sending rate exceeded.', 'throttled', false],
    [400, 'Throttling', 'Daily message quota exceeded.', 'throttled', true],
    [400, 'ThrottlingException', 'Maximum sending rate exceeded.', 'throttled', false],
    [400, 'ThrottlingException', 'Daily message quota exceeded.', 'throttled', true],
    [429, 'TooManyRequestsException', 'Rate exceeded', 'throttled', false],
    [400, 'MessageRejected', 'Illegal header', 'refused', false],
    [400, 'MessageRejected', 'Daily message quota exceeded.', 'refused', false],
    [400, 'MessageRejected', 'Email address is not verified. The following …', 'set-up', false],
    [400, 'MessageRejected', 'Sending paused for this account. For more …', 'paused', false],
    [400, 'MessageRejected', 'Sending suspended for this account. For more …', 'paused', false],
    [400, 'InvalidParameterValue', "Missing final '@domain'", 'refused', false],
    [400, 'AccountSendingPausedException', '', 'paused', false],
    [400, 'ConfigurationSetSendingPausedException', '', 'paused', false],
    [400, 'ConfigurationSetDoesNotExist', '', 'set-up', false],
    [400, 'ConfigurationSetDoesNotExistException', '', 'set-up', false],
    [400, 'MailFromDomainNotVerifiedException', '', 'set-up', false],
    [403, 'AccessDenied', '', 'set-up', false],
    [403, 'InvalidClientTokenId', '', 'set-up', false],
    [403, 'SignatureDoesNotMatch', 'Signature expired: …', 'set-up', false],
    [400, 'SomethingOfTomorrow', '', 'set-up', false],
    [400, 'constructor', '', 'set-up', false],
  ] as const)('%i %s "%s" means %s', (httpStatus, code, message, outcome, quotaUsedUp) => {
    expect(classify(answered(httpStatus, code, message))).toEqual({ outcome, code, quotaUsedUp, unreachable: false })
  })

  it.each([408, 500, 502, 503, 504])('with status %i tells nothing, whatever its code', (httpStatus) => {
    for (const code of ['Throttling', 'MessageRejected', 'InternalFailure', 'AccessDenied']) {
      expect(classify(answered(httpStatus, code))).toEqual({
        outcome: 'unknown',
        code,
        quotaUsedUp: false,
        unreachable: false,
      })
    }
  })

  it.each([200, 302])('with status %i is none', (httpStatus) => {
    expect(classify(answered(httpStatus, 'MessageRejected')).outcome).toBe('unknown')
  })
})

it.each([200, 204, 302, 400, 403, 404, 408, 413, 429, 500, 502, 503, 504])(
  'an answer %i that is not of SES tells nothing',
  (httpStatus) => {
    expect(classify({ at: 'answer', httpStatus, sesError: null })).toEqual({
      outcome: 'unknown',
      code: `http-${httpStatus}`,
      quotaUsedUp: false,
      unreachable: false,
    })
  },
)

describe('without an answer', () => {
  it.each([
    [
      'our own refusal to call is surely not sent, and says nothing of SES',
      { at: 'refusal', code: 'c' },
      'not-sent',
      false,
    ],
    ['what the SDK cannot even prepare is a fault of the set-up', { at: 'preparation', code: 'c' }, 'set-up', false],
    ['no connection is surely not sent', { at: 'connection', code: 'c', givenUp: false }, 'not-sent', true],
    ['a connection that we gave up is no outage', { at: 'connection', code: 'c', givenUp: true }, 'not-sent', false],
    ['whatever happens to a connected request leaves a doubt', { at: 'exchange', code: 'c' }, 'unknown', false],
  ] as const)('%s', (_, end, outcome, unreachable) => {
    expect(classify(end)).toEqual({ outcome, code: 'c', quotaUsedUp: false, unreachable })
  })
})
