import { assemble } from './assembly.ts'
import type { Campaign, Stage } from './campaign.ts'
import { type Decision, decide, judge, planWrites } from './decide.ts'
import type { Instant } from './instant.ts'
import type { Pin } from './pin.ts'
import type { Recipient } from './recipient.ts'
import type { KnownReminder, NewReminder, OpenReminder } from './reminder.ts'
import { graceEndsAt, stageDueAt } from './stages.ts'

/** The first scan of a campaign at or after an instant. */
export type NextTick = (at: Instant) => Instant

/** A stretch of time, `[fromAt, untilAt)`. */
export interface Span {
  readonly fromAt: Instant
  readonly untilAt: Instant
}

/** A reminder that is to come, as long as its PIN and its campaign stay as they are. */
export interface ComingReminder {
  readonly stage: Stage
  /** Of its PIN. */
  readonly expiresAt: Instant
  /** The scan that puts it into a mail. */
  readonly plannedAt: Instant
  /** From when on its mail may go, by itself and without limits; before `plannedAt` when the window was open already. */
  readonly notBefore: Instant
  /** The end of the opening that `notBefore` lies in; null: none. */
  readonly notAfter: Instant | null
  /** From then on it is not right any more: a nearer stage is due, or it is too late. */
  readonly endsAt: Instant
  /** The zone of its window. */
  readonly timeZone: string
}

/** A mail that one PIN alone would bring. */
export interface ComingSend {
  readonly sendAt: Instant
  readonly stage: Stage
}

/**
 * The sends that a PIN is to bring in a span, in order, as long as it stays as it is, nothing is stopped and no limit is
 * reached. `known` is all that the ledger holds of it; what is open there is on its way already, and not among them.
 */
export function upcoming(
  pin: Pin,
  campaign: Campaign,
  recipient: Recipient | null,
  known: readonly KnownReminder[],
  fromAt: Instant,
  untilAt: Instant,
  nextTick: NextTick,
): ComingSend[] {
  return comingReminders(pin, campaign, recipient, known, { fromAt, untilAt }, nextTick)
    .map(({ stage, plannedAt, notBefore, endsAt }) => ({ stage, sendAt: Math.max(plannedAt, notBefore), endsAt }))
    .filter(({ sendAt, endsAt }) => sendAt < Math.min(endsAt, untilAt))
    .map(({ stage, sendAt }) => ({ sendAt, stage }))
}

/**
 * The reminders that scans are to plan for a PIN in a span, in order, by the scan's own rules. Some may be past their end
 * before their mail may go.
 */
export function comingReminders(
  pin: Pin,
  campaign: Campaign,
  recipient: Recipient | null,
  known: readonly KnownReminder[],
  { fromAt, untilAt }: Span,
  nextTick: NextTick,
): ComingReminder[] {
  const coming: ComingReminder[] = []
  let soFar = known
  // Between two of these no stage comes due, and a scan has nothing to add.
  const due = dueInstants(pin, campaign, recipient).filter((dueAt) => dueAt < untilAt)
  const ticks = new Set(due.map((dueAt) => nextTick(Math.max(dueAt, fromAt))))
  for (const tick of [...ticks].sort(ascending)) {
    if (tick >= untilAt) break
    const decisions = decide(pin, campaign, recipient, tick)
    const writes = planWrites(decisions, soFar, recipient)
    soFar = [...soFar, ...writes.inserts.map(asKnown)]
    const reminder = openedBy(decisions, writes)
    const expected = reminder && expectedFrom(reminder, pin, campaign, recipient, tick)
    if (expected) coming.push(expected)
  }
  return coming
}

/**
 * What is to come of an open reminder that is put into a mail, or is in one, at `plannedAt`; null: nothing, since it is
 * not right any more.
 */
export function expectedFrom(
  reminder: OpenReminder,
  pin: Pin,
  campaign: Campaign,
  recipient: Recipient | null,
  plannedAt: Instant,
): ComingReminder | null {
  const recipients = recipient === null || pin.email === null ? [] : [[pin.email, recipient] as const]
  const { drafts } = assemble([reminder], new Map([[pin.pinId, pin]]), campaign, new Map(recipients), plannedAt)
  const [draft] = drafts
  if (draft === undefined) return null
  const { notBefore, notAfter, timeZone } = draft
  const endsAt = endOf(reminder, pin, campaign, recipient, plannedAt)
  return { stage: reminder.stage, expiresAt: pin.expiresAt, plannedAt, notBefore, notAfter, endsAt, timeZone }
}

/** The reminder that a scan's writes for one PIN leave open, new or taken back; null: none. */
export function openedBy(
  decisions: readonly Decision[],
  { inserts, reopens }: ReturnType<typeof planWrites>,
): OpenReminder | null {
  const open = decisions.find(({ skip }) => skip === null)
  const [reopened] = reopens
  const inserted = inserts.find(({ skip }) => skip === null)
  if (open === undefined || (reopened === undefined && inserted === undefined)) return null
  const { pinId, version, stage, dueAt } = open
  // Assembly asks whom it reaches anew, by the PIN's address.
  const recipientKey = inserted?.recipientKey ?? ''
  return { id: reopened ?? `new ${pinId}`, pinId, version, stage, dueAt, recipientKey, messageId: null }
}

/** When the verdict on a reminder that is current turns. It can do so only when a stage comes due, at the expiry, and when the grace ends. */
function endOf(
  reminder: OpenReminder,
  pin: Pin,
  campaign: Campaign,
  recipient: Recipient | null,
  at: Instant,
): Instant {
  const turns = [...dueInstants(pin, campaign, recipient), pin.expiresAt, graceEndsAt(pin, campaign)]
  const ahead = turns.filter((turn) => turn > at).sort(ascending)
  return ahead.find((turn) => judge(reminder, pin, campaign, recipient, turn) !== 'current') ?? Number.POSITIVE_INFINITY
}

function dueInstants(pin: Pin, campaign: Campaign, recipient: Recipient | null): Instant[] {
  return campaign.stages.map((stage) => stageDueAt(stage, pin, campaign, recipient?.key ?? null))
}

/** What the ledger would hold of it after the scan; only its name matters to the next one. */
function asKnown({ pinId, version, stage, skip }: NewReminder): KnownReminder {
  return { id: '', pinId, version, stage, outcome: skip === null ? null : 'skipped', reason: skip }
}

function ascending(one: number, other: number): number {
  return one - other
}
