import { parseAddress } from '#core/address.ts'
import type { Stage } from '#core/campaign.ts'
import { limitsByCampaign } from '#core/caps.ts'
import type { Instant } from '#core/instant.ts'
import { everything, type History, type HistoryMessage, type HistoryReminder, type Ledger } from '#ledger/ledger.ts'
import type { PinSource } from '#pins/pins.ts'
import { answerWords, skipWords, type WaitCause, waitWords } from './explain-words.ts'

/** What was found of what somebody asked for. */
export interface Explanation {
  readonly kind: 'pin' | 'recipient' | 'message'
  /** In order of time, what is still to come last; empty for a PIN of which no stage has come due. */
  readonly events: readonly ExplainedEvent[]
  /** True when there are older events than these. */
  readonly truncated: boolean
}

export interface ExplainedEvent {
  readonly at: Instant
  readonly what: What
  readonly campaign: string
  readonly stage: Stage
  /** null: of a message with several */
  readonly pinId: string | null
  readonly messageId: string | null
  readonly reference: string | null
  /** A skip's reason, why something waits, or how SES answered. */
  readonly reason: string | null
  /** The same for a person. */
  readonly words: string
  /** For `waiting`: when it is tried next. */
  readonly until: Instant | null
}

/** In the order in which they follow one another. */
const order = ['planned', 'skipped', 'assembled', 'tried', 'sending', 'sent', 'failed', 'in_doubt', 'waiting'] as const
type What = (typeof order)[number]

export interface ExplainPorts {
  readonly ledger: Pick<Ledger, 'reports' | 'gates' | 'pace' | 'editions' | 'outbox' | 'recipientKey'>
  readonly pins: Pick<PinSource, 'read'>
  /** Business time. */
  readonly at: Instant
}

const mostEvents = 1_000

/**
 * Finds what a person names by PIN id, reference, message id or address, in this order, and tells everything that was
 * decided about it and why. null: nothing is known of it.
 */
export async function explain(ports: ExplainPorts, asked: string): Promise<Explanation | null> {
  const found = await find(ports, asked.trim())
  if (found === null) return null
  const { kind, history } = found
  const waitsFor = await waitCauses(ports)
  const inMessage = Map.groupBy(history.reminders, ({ messageId }) => messageId)
  const events = [
    ...history.reminders.flatMap((reminder) => reminderEvents(reminder)),
    ...history.messages.flatMap((message) => messageEvents(message, inMessage.get(message.id) ?? [], waitsFor)),
  ].sort(inOrder)
  return { kind, events: events.slice(-mostEvents), truncated: history.truncated || events.length > mostEvents }
}

/** By time, then by what follows from what; what is still to come stands last. */
function inOrder(one: ExplainedEvent, other: ExplainedEvent): number {
  const isAhead = ({ what }: ExplainedEvent) => Number(what === 'waiting')
  return isAhead(one) - isAhead(other) || one.at - other.at || order.indexOf(one.what) - order.indexOf(other.what)
}

async function find(
  { ledger, pins }: ExplainPorts,
  asked: string,
): Promise<{ kind: Explanation['kind']; history: History } | null> {
  const { reports } = ledger
  const ofPin = await reports.history({ pinId: asked })
  if (ofPin.reminders.length > 0) return { kind: 'pin', history: ofPin }
  const message = await reports.message(asked)
  if (message !== null) return { kind: 'message', history: await reports.history({ messageId: message.id }) }
  const parsed = parseAddress(asked)
  if ('address' in parsed) {
    const history = await reports.history({ recipientKey: ledger.recipientKey(parsed.address) })
    if (history.reminders.length > 0) return { kind: 'recipient', history }
  }
  // The portal has it, but no stage of it has come due.
  return (await pins.read([asked])).has(asked) ? { kind: 'pin', history: ofPin } : null
}

function reminderEvents(reminder: HistoryReminder): ExplainedEvent[] {
  const { campaign, stage, pinId, messageId, outcome, reason, createdAt, decidedAt } = reminder
  const base = { campaign, stage, pinId, messageId, reference: null, reason: null, until: null }
  const events: ExplainedEvent[] = []
  // Decided in the same write: it was never meant to be sent.
  if (outcome !== 'skipped' || decidedAt !== createdAt) {
    events.push({ ...base, at: createdAt, what: 'planned', words: `the stage ${stage} had come due` })
  }
  if (outcome === 'skipped' && decidedAt !== null) {
    const words = reason === null ? 'not sent' : skipWords(reason, stage)
    events.push({ ...base, at: decidedAt, what: 'skipped', reason, words })
  }
  if (outcome === null && messageId === null) {
    events.push({ ...base, at: createdAt, what: 'waiting', reason: 'assembly', words: waitWords.assembly })
  }
  return events
}

function messageEvents(
  message: HistoryMessage,
  reminders: readonly HistoryReminder[],
  waitsFor: (message: HistoryMessage) => WaitCause,
): ExplainedEvent[] {
  const { id, reference, campaign, stage, state, createdAt, updatedAt, sentAt, notBefore, attempts } = message
  const [only] = reminders
  const pinId = reminders.length === 1 && only ? only.pinId : null
  const base = { campaign, stage, pinId, messageId: id, reference, reason: null, until: null }
  const events: ExplainedEvent[] = [
    { ...base, at: createdAt, what: 'assembled', words: `put into the mail with the reference ${reference}` },
  ]
  for (const { number, askedAt, endedAt, outcome, code } of attempts) {
    if (number === message.currentAttempt) continue
    const words = outcome === null ? 'a call to SES began, and its end is not known' : answerWords[outcome]
    events.push({ ...base, at: endedAt ?? askedAt, what: 'tried', reason: code ?? outcome, words })
  }

  const last = attempts.find(({ number }) => number === message.currentAttempt)
  const reason = last?.code ?? null
  switch (state) {
    case 'sent':
      events.push({ ...base, at: sentAt ?? updatedAt, what: 'sent', words: answerWords.accepted })
      break
    case 'failed':
      events.push({ ...base, at: updatedAt, what: 'failed', reason, words: answerWords.refused })
      break
    case 'in_doubt':
      events.push({ ...base, at: updatedAt, what: 'in_doubt', reason, words: answerWords.unknown })
      break
    case 'sending':
      events.push({ ...base, at: updatedAt, what: 'sending', words: 'handed to SES just now; its answer is awaited' })
      break
    case 'pending': {
      const cause = waitsFor(message)
      const until = isTimed(cause) ? notBefore : null
      events.push({ ...base, at: updatedAt, what: 'waiting', reason: cause, words: waitWords[cause], until })
      break
    }
    case 'skipped': // Its reminders say why.
      break
  }
  return events
}

/** Of these the ledger knows when they end. */
function isTimed(cause: WaitCause): boolean {
  return cause === 'window' || cause === 'cap' || cause === 'limit' || cause === 'back-off' || cause === 'portal'
}

/** Why a pending message waits now: what stops everything first, then its own cause. */
async function waitCauses({ ledger, at }: ExplainPorts): Promise<(message: HistoryMessage) => WaitCause> {
  const gates = new Map((await ledger.gates.list()).map(({ scope, state }) => [scope, state]))
  const { hold } = await ledger.pace.read()
  const campaigns = (await ledger.editions.all()).map((edition) => edition.campaign)
  const rooms = await ledger.outbox.rooms(limitsByCampaign(campaigns, at))
  return ({ campaign, notBefore, notAfter, wait }) => {
    if (gates.get(everything) !== 'on') return 'gate'
    if (gates.get(campaign) !== 'on') return 'campaign-off'
    if (notBefore > at) return wait ?? 'window'
    if (notAfter !== null && notAfter <= at) return 'window'
    if (hold !== null) return hold.cause === 'quota' ? 'quota' : 'hold'
    return rooms.get(campaign) === 0 ? 'limit' : 'pace'
  }
}
