import { byUrgency } from '#core/assembly.ts'
import { localDate, nextDayOpening, openingAt, zoneOf } from '#core/calendar.ts'
import type { Campaign } from '#core/campaign.ts'
import { campaignLimits, nextLimitAt } from '#core/caps.ts'
import { type Clocks, deadlineIn } from '#core/clock.ts'
import { judge } from '#core/decide.ts'
import { ForewarnError } from '#core/errors.ts'
import type { Sign } from '#core/hold.ts'
import type { Instant } from '#core/instant.ts'
import type { Edition, LetterValues } from '#core/letter.ts'
import { type Current, letterValues } from '#core/letter-values.ts'
import { recipientOf } from '#core/recipient.ts'
import type { SkipReason } from '#core/reminder.ts'
import type { ClaimRefusal, Ledger, PendingMessage, Settled, Settlement, WaitReason, Worker } from '#ledger/ledger.ts'
import type { Answer, Composer, Mailer, Pace } from '#mail/mail.ts'
import type { Log } from '#observe/observe.ts'
import type { PinSource } from '#pins/pins.ts'
import { type PortalGuard, type Reread, reread } from './reread.ts'

export interface SendPorts {
  readonly ledger: Pick<Ledger, 'outbox' | 'recipients'>
  /** An edition by its hash; what is enabled never changes under its hash. */
  readonly edition: (hash: string) => Promise<Edition>
  readonly pins: Pick<PinSource, 'read'>
  /** True when the PINs are too old to be believed. */
  readonly stale: () => Promise<boolean>
  readonly guard: PortalGuard
  readonly pace: Pace
  readonly composer: Composer
  readonly mailer: Mailer
  readonly clocks: Clocks
  readonly worker: Worker
  /** A new unique token per claim. */
  readonly token: () => string
  readonly log: Log
  readonly policy: SendPolicy
  /** Aborted when the process is told to end: from then on no claim begins. */
  readonly ending: AbortSignal
}

/** What operators set about sending. */
export interface SendPolicy {
  readonly from: string
  /** The address in `from`. */
  readonly source: string
  readonly replyTo: string
  readonly configurationSet: string | null
  readonly timeoutMs: number
  readonly perAddressPerDay: number | null
}

/** What became of one try, of how many reminders, and which were decided without a mail on the way. */
export interface SendReport {
  readonly result: SendResult
  readonly reminders: number
  readonly skipped: readonly SkipReason[]
}

export type SendResult = 'no-slot' | 'not-pending' | 'nothing-left' | 'deferred' | 'refused' | Settlement['to']

/** A claim is refused when the PINs were read longer ago than this. */
export const rereadFreshMs = 2_000
/** A call begins within this time of asking for its claim, or not at all. */
export const callWithinMs = 2_000
/** What a claim's lease allows beyond the call itself, for the settlement to be written. */
export const settleWithinMs = 5_000

const backOffMs: Readonly<Record<'throttled' | 'not-sent' | 'set-up' | 'paused' | 'portal' | 'compose', number>> = {
  throttled: 5_000,
  'not-sent': 30_000,
  'set-up': 60_000,
  paused: 60_000,
  portal: 30_000,
  compose: 3_600_000,
}

/**
 * Sends one message: slot of the pace, PINs re-read, mail composed, claim, call, settlement, in this order. Whatever
 * goes wrong, the ledger decides what is sendable again. `signal` aborts a call that does not end.
 */
export async function send(
  ports: SendPorts,
  { messageId }: { messageId: string },
  signal: AbortSignal,
): Promise<SendReport> {
  const seen: Seen = { reminders: 0, skipped: [] }
  const result = await trySend(ports, messageId, seen, signal)
  return { result, ...seen }
}

/** What a try met on its way. */
interface Seen {
  reminders: number
  skipped: SkipReason[]
}

async function trySend(ports: SendPorts, messageId: string, seen: Seen, signal: AbortSignal): Promise<SendResult> {
  const slot = await ports.pace.slot(ports.ending)
  if (slot === null) return 'no-slot'

  const message = await ports.ledger.outbox.load(messageId)
  if (message === null) return 'not-pending'
  const edition = await ports.edition(message.editionHash)
  const campaign = edition.campaign

  const freshUntilMonotonicMs = ports.clocks.monotonicMs() + rereadFreshMs
  const read = await readPins(ports, message)
  if (read === null) return later(ports, message, 'portal', backOffMs.portal)
  const { current, skips } = await keepCurrent(ports, message, campaign, read)
  seen.skipped = skips.map(({ reason }) => reason)
  seen.reminders = current.length
  const [first, ...others] = current
  if (first === undefined) return 'nothing-left'

  const at = ports.clocks.business()
  const zone = zoneOf(first.pin, campaign)
  const opening = openingAt(campaign.window, zone, at)
  if (opening.opensAt > at) return moveTo(ports, message, opening, 'window')

  const values = letterValues(message, ports.policy, campaign, [first, ...others], at)
  const raw = compose(ports, edition, values)
  if (raw === null) return later(ports, message, 'back-off', backOffMs.compose)

  if (slot.expired() || ports.ending.aborted) return 'no-slot'
  const callBy = deadlineIn(callWithinMs, ports.clocks)
  const claim = await ports.ledger.outbox.claim({
    token: ports.token(),
    messageId,
    composed: [first, ...others].map(({ reminder }) => reminder),
    values,
    editionHash: edition.hash,
    opening: opening.closesAt === null ? null : { fromAt: opening.opensAt, untilAt: opening.closesAt },
    cap: capOf(ports.policy, zone, at),
    limits: campaignLimits(campaign, at),
    freshUntilMonotonicMs,
    worker: ports.worker,
    leaseMs: callWithinMs + ports.policy.timeoutMs + settleWithinMs,
  })
  if (claim.kind === 'refused') return refused(ports, message, campaign, zone, claim.because)
  if (claim.kind === 'answer-lost') return withdrawn(ports, message, claim.attempt)

  const answer = await ports.mailer.send(
    {
      raw,
      source: ports.policy.source,
      destination: message.address,
      configurationSet: ports.policy.configurationSet,
      tags: { message: messageId, campaign: campaign.key, stage: values.stage },
    },
    callBy,
    signal,
  )
  return settled(ports, message, claim.attempt, answer)
}

// ---------------------------------------------------------------- before the claim

/** null: the portal gave no answer, or one too old, which says nothing about any PIN. */
async function readPins(ports: SendPorts, message: PendingMessage): Promise<Reread | null> {
  try {
    if (await ports.stale()) return null
    const read = await reread(ports, message.reminders)
    await ports.guard.saw(message.campaign, read.seen)
    return read
  } catch (error) {
    ports.log.warn('portal.no-answer', { message: message.id, error: error instanceof Error ? error.name : 'unknown' })
    return null
  }
}

/** Decides what is not right any more, releases what has another address by now, and gives the rest, most urgent first. */
async function keepCurrent(
  ports: SendPorts,
  message: PendingMessage,
  campaign: Campaign,
  { pins, recipients }: Reread,
): Promise<{ current: Current[]; skips: { id: string; reason: SkipReason }[] }> {
  const at = ports.clocks.business()
  const skips: { id: string; reason: SkipReason }[] = []
  const releases: string[] = []
  const current: Current[] = []
  for (const reminder of message.reminders) {
    const pin = pins.get(reminder.pinId)
    const recipient = recipientOf(pin, recipients)
    const verdict = judge(reminder, pin, campaign, recipient, at)
    if (verdict !== 'current') skips.push({ id: reminder.id, reason: verdict })
    else if (recipient?.key !== message.recipientKey) releases.push(reminder.id)
    else if (pin !== undefined) current.push({ reminder, pin })
  }
  for (const { reason } of skips)
    ports.log.info('reminder.skipped', { message: message.id, campaign: campaign.key, reason })
  if (skips.length + releases.length > 0) await ports.ledger.outbox.prune(message.id, { skips, releases }, at)
  return { current: current.sort(byUrgency), skips }
}

/** null: this mail cannot be made; others can. */
function compose(ports: SendPorts, edition: Edition, values: LetterValues): Uint8Array | null {
  try {
    return ports.composer.compose(edition, values).raw
  } catch (error) {
    ports.log.error('mail.not-composed', {
      message: values.messageId,
      campaign: edition.campaign.key,
      edition: edition.hash,
      // Not its message: that may quote what a person typed.
      code: error instanceof ForewarnError ? error.code : error instanceof Error ? error.name : 'unknown',
    })
    return null
  }
}

function capOf(policy: SendPolicy, zone: string, at: Instant): { localDate: string; max: number } | null {
  return policy.perAddressPerDay === null ? null : { localDate: localDate(at, zone), max: policy.perAddressPerDay }
}

// ---------------------------------------------------------------- not now

async function later(ports: SendPorts, message: PendingMessage, wait: WaitReason, ms: number): Promise<SendResult> {
  return moveTo(ports, message, { opensAt: ports.clocks.business() + ms, closesAt: null }, wait)
}

async function moveTo(
  ports: SendPorts,
  message: PendingMessage,
  to: { opensAt: Instant; closesAt: Instant | null },
  wait: WaitReason,
): Promise<SendResult> {
  await ports.ledger.outbox.defer(message.id, { notBefore: to.opensAt, notAfter: to.closesAt, wait })
  return 'deferred'
}

async function refused(
  ports: SendPorts,
  message: PendingMessage,
  campaign: Campaign,
  zone: string,
  because: ClaimRefusal,
): Promise<SendResult> {
  ports.log.debug('claim.refused', { message: message.id, campaign: campaign.key, because })
  const at = ports.clocks.business()
  switch (because) {
    case 'window':
      return moveTo(ports, message, openingAt(campaign.window, zone, at), 'window')
    case 'cap':
      return moveTo(ports, message, nextDayOpening(campaign.window, zone, at), 'cap')
    case 'limit': {
      const nextAt = nextLimitAt(at)
      const opening = openingAt(campaign.window, zone, nextAt)
      // An opening that goes on at the full hour began before it.
      return moveTo(ports, message, { ...opening, opensAt: Math.max(opening.opensAt, nextAt) }, 'limit')
    }
    default:
      // A closed gate, another state, other reminders, an old re-read: the next feed sees how things stand.
      return 'refused'
  }
}

/** The claim may have been made, but the call surely has not: what was found of it is taken back. */
async function withdrawn(ports: SendPorts, message: PendingMessage, attempt: number | null): Promise<SendResult> {
  if (attempt === null) return 'refused'
  const at = ports.clocks.wall()
  return settled(ports, message, attempt, {
    outcome: 'not-sent',
    sesId: null,
    code: 'claim-answer-lost',
    requestId: null,
    quotaUsedUp: false,
    unreachable: false,
    beganAt: null,
    endedAt: at,
  })
}

// ---------------------------------------------------------------- after the call

/** What each outcome means for the message and for SES's health. This is the only place that decides it. */
function verdictOn(answer: Answer): { to: Settlement['to']; sign: Sign; backOff: number | null } {
  switch (answer.outcome) {
    case 'accepted':
      return { to: 'sent', sign: 'good', backOff: null }
    case 'refused':
      return { to: 'failed', sign: 'good', backOff: null }
    case 'throttled':
      return { to: 'pending', sign: answer.quotaUsedUp ? 'quota' : 'neutral', backOff: backOffMs.throttled }
    case 'paused':
      return { to: 'pending', sign: 'paused', backOff: backOffMs.paused }
    case 'set-up':
      return { to: 'pending', sign: 'set-up', backOff: backOffMs['set-up'] }
    case 'not-sent':
      // A host that cannot be reached is an outage too; our own refusal to call says nothing of SES.
      return { to: 'pending', sign: answer.unreachable ? 'unanswered' : 'neutral', backOff: backOffMs['not-sent'] }
    case 'unknown':
      return { to: 'in_doubt', sign: 'unanswered', backOff: null }
  }
}

async function settled(
  ports: SendPorts,
  message: PendingMessage,
  attempt: number,
  answer: Answer,
): Promise<SendResult> {
  const { to, sign, backOff } = verdictOn(answer)
  const at = ports.clocks.business()
  const settlement: Settlement = {
    messageId: message.id,
    attempt,
    outcome: answer.outcome,
    code: answer.code,
    requestId: answer.requestId,
    sesId: answer.sesId,
    beganAt: answer.beganAt,
    endedAt: answer.endedAt,
    at,
    to,
    again: backOff === null ? null : { notBefore: at + backOff, wait: 'back-off' },
    sign,
    slowDown: answer.outcome === 'throttled' && !answer.quotaUsedUp,
  }
  try {
    tell(ports.log, message, attempt, answer, await ports.ledger.outbox.settle(settlement))
    return to
  } catch (error) {
    // The answer is lost with this process's memory: the attempt stays open, and its lease ends in a doubt.
    const code = error instanceof ForewarnError ? error.code : 'unknown'
    ports.log.error('message.not-settled', { message: message.id, attempt, outcome: answer.outcome, code })
    return 'in_doubt'
  }
}

function tell(log: Log, message: PendingMessage, attempt: number, answer: Answer, result: Settled): void {
  const fields = {
    message: message.id,
    campaign: message.campaign,
    attempt,
    outcome: answer.outcome,
    code: answer.code,
    requestId: answer.requestId,
    ms: answer.beganAt === null ? null : answer.endedAt - answer.beganAt,
  }
  if (result === 'alarm') log.error('message.perhaps-twice', fields)
  else if (answer.outcome === 'accepted') log.info('message.sent', fields)
  else log.warn('message.not-sent', { ...fields, settled: result })
}
