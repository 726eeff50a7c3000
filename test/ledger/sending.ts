import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe } from 'vitest'
import type { Clocks } from '#core/clock.ts'
import type { LetterValues } from '#core/letter.ts'
import type { Outcome } from '#core/outcome.ts'
import type { ClaimRequest, Ledger, Settlement, Worker } from '#ledger/ledger.ts'
import { monday } from './fixtures.ts'
import type { LedgerHarness, TestLedger } from './harness.ts'

/** Clocks that stand still until a test moves them. */
interface TestClocks extends Clocks {
  businessAt: number
  monotonicAtMs: number
}

interface SendingTest extends TestLedger {
  readonly clocks: TestClocks
}

/** A suite in which each test has a new ledger on clocks of its own, given by `current`; it begins on Monday, ten in the morning. */
export function describeSending(
  what: string,
  harness: LedgerHarness,
  suite: (current: () => SendingTest) => void,
): void {
  describe(`${what} on ${harness.name}`, () => {
    let test: SendingTest
    beforeEach(async () => {
      const clocks = stillClocks()
      test = { ...(await harness.open({ clocks })), clocks }
    })
    afterEach(() => test.close())
    suite(() => test)
  })
}

function stillClocks(): TestClocks {
  return {
    businessAt: monday,
    monotonicAtMs: 1000,
    business() {
      return this.businessAt
    },
    wall: () => monday,
    monotonicMs() {
      return this.monotonicAtMs
    },
  }
}

export const worker: Worker = { name: 'host:1', host: 'host', pid: 1, incarnation: 'boot-1' }

/** A claim of a pending message as it is now, with nothing in its way. */
export async function requestOf(
  ledger: Ledger,
  messageId: string,
  more: Partial<ClaimRequest> = {},
): Promise<ClaimRequest> {
  const found = await ledger.outbox.load(messageId)
  if (found === null) throw new Error('the message is not pending')
  return {
    token: randomUUID(),
    messageId,
    composed: found.reminders.map(({ id, pinId, version, stage }) => ({ id, pinId, version, stage })),
    values: valuesOf(messageId, found.reference, found.address),
    editionHash: found.editionHash,
    opening: null,
    cap: null,
    limits: [],
    freshUntilMonotonicMs: 3000,
    worker,
    leaseMs: 60_000,
    ...more,
  }
}

/** Claims a message, and gives the attempt's number. */
export async function claimed(ledger: Ledger, messageId: string, more: Partial<ClaimRequest> = {}): Promise<number> {
  const claim = await ledger.outbox.claim(await requestOf(ledger, messageId, more))
  if (claim.kind !== 'claimed') throw new Error(`not claimed: ${JSON.stringify(claim)}`)
  return claim.attempt
}

function valuesOf(messageId: string, reference: string, to: string): LetterValues {
  return {
    messageId,
    reference,
    from: 'portal@example.com',
    replyTo: 'help@example.com',
    to,
    name: null,
    stage: '7d',
    locale: null,
    timeZone: 'UTC',
    composedAt: monday,
    pins: [],
    morePins: 0,
  }
}

/** When the worker of `answerOf` began its call, and when the call ended. */
export const beganAt = monday + 1000
export const endedAt = monday + 1400
/** Business time of the settlement. */
export const settledAt = monday + 1500
/** When a message is tried again that was surely not accepted. */
export const againAt = monday + 60_000

/** What the send job makes of an outcome. */
export function answerOf(
  messageId: string,
  attempt: number,
  outcome: Outcome,
  more: Partial<Settlement> = {},
): Settlement {
  const { to, sign } = meanings[outcome]
  return {
    messageId,
    attempt,
    outcome,
    code: outcome === 'accepted' ? null : `code of ${outcome}`,
    requestId: `request-${attempt}`,
    sesId: outcome === 'accepted' ? `ses-${attempt}` : null,
    beganAt: outcome === 'not-sent' ? null : beganAt,
    endedAt,
    at: settledAt,
    to,
    again: to === 'pending' ? { notBefore: againAt, wait: 'back-off' } : null,
    sign,
    slowDown: outcome === 'throttled',
    ...more,
  }
}

const meanings: Record<Outcome, Pick<Settlement, 'to' | 'sign'>> = {
  accepted: { to: 'sent', sign: 'good' },
  refused: { to: 'failed', sign: 'good' },
  throttled: { to: 'pending', sign: 'neutral' },
  paused: { to: 'pending', sign: 'paused' },
  'set-up': { to: 'pending', sign: 'set-up' },
  'not-sent': { to: 'pending', sign: 'neutral' },
  unknown: { to: 'in_doubt', sign: 'unanswered' },
}
