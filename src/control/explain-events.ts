import type { Stage } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import { mostUrgent } from '#core/stages.ts'
import type { HistoryMessage, HistoryReminder, WaitReason } from '#ledger/ledger.ts'
import type { OpenVerdict } from './explain-open.ts'
import { answerWords, skipWords, staleWords, waitWords } from './explain-words.ts'
import type { WaitCause } from './wait-causes.ts'

/** In the order in which they follow one another. */
const order = [
  'planned',
  'skipped',
  'assembled',
  'tried',
  'sending',
  'sent',
  'failed',
  'in_doubt',
  'waiting',
  'next',
] as const

/** Something that happened to a reminder or a mail, waits to happen (`waiting`), or is to happen (`next`). */
export interface ExplainedEvent {
  readonly at: Instant
  readonly what: (typeof order)[number]
  readonly campaign: string
  readonly stage: Stage
  /** null: of a message with several */
  readonly pinId: string | null
  readonly messageId: string | null
  readonly reference: string | null
  /** A skip's reason, why something waits or will not be sent, or how SES answered. */
  readonly reason: string | null
  /** The same for a person. */
  readonly words: string
  /** For `waiting`: when it is tried next. */
  readonly until: Instant | null
}

/** By time, then by what follows from what; what waits stands after what has happened, and what is to come last. */
export function inOrder(one: ExplainedEvent, other: ExplainedEvent): number {
  return ahead(one) - ahead(other) || one.at - other.at || order.indexOf(one.what) - order.indexOf(other.what)
}

function ahead({ what }: ExplainedEvent): number {
  return what === 'next' ? 2 : Number(what === 'waiting')
}

/** What became of a reminder before it was in a mail, and without one; `verdict` is why one that waits will not go out. */
export function reminderEvents(reminder: HistoryReminder, verdict: OpenVerdict): ExplainedEvent[] {
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
  if (outcome === null && verdict !== null) {
    events.push({ ...base, at: createdAt, what: 'waiting', reason: verdict, words: staleWords(verdict, stage) })
  } else if (outcome === null && messageId === null) {
    events.push({ ...base, at: createdAt, what: 'waiting', reason: 'assembly', words: waitWords.assembly })
  }
  return events
}

/** How things stand, to tell of a mail that has not gone out. */
export interface Standing {
  readonly now: Instant
  /** Why a pending message waits. */
  readonly causeOf: (campaign: string, why: WaitReason | 'ready') => WaitCause
  /** True when something of the message is still to be said. */
  readonly isLive: (message: HistoryMessage) => boolean
}

/** What became of a mail. */
export function messageEvents(
  message: HistoryMessage,
  reminders: readonly HistoryReminder[],
  { now, causeOf, isLive }: Standing,
): ExplainedEvent[] {
  const { id, reference, campaign, stage, state, createdAt, updatedAt, sentAt, notBefore, attempts } = message
  const [only] = reminders
  const pinId = reminders.length === 1 && only ? only.pinId : null
  const base = { campaign, stage, pinId, messageId: id, reference, reason: null, until: null }
  // Others may have joined since, or left.
  const first = reminders.filter((reminder) => reminder.createdAt <= createdAt).map((reminder) => reminder.stage)
  const events: ExplainedEvent[] = [
    {
      ...base,
      stage: first.length > 0 ? mostUrgent(first) : stage,
      at: createdAt,
      what: 'assembled',
      words: `put into the mail with the reference ${reference}`,
    },
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
      if (!isLive(message)) break
      const cause = causeOf(campaign, whyPending(message, now))
      const until = isTimed(cause) && notBefore > now ? notBefore : null
      events.push({ ...base, at: updatedAt, what: 'waiting', reason: cause, words: waitWords[cause], until })
      break
    }
    case 'skipped': // Its reminders say why.
      break
  }
  return events
}

function whyPending({ notBefore, notAfter, wait }: HistoryMessage, now: Instant): WaitReason | 'ready' {
  if (notBefore > now) return wait ?? 'window'
  return notAfter !== null && notAfter <= now ? 'window' : 'ready'
}

/** Of these the ledger knows when they end. */
function isTimed(cause: WaitCause): boolean {
  return cause === 'window' || cause === 'cap' || cause === 'limit' || cause === 'back-off' || cause === 'portal'
}
