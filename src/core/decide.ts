import { dayMs } from './calendar.ts'
import type { Campaign, Stage } from './campaign.ts'
import type { Instant } from './instant.ts'
import { type Pin, versionOf } from './pin.ts'
import type { Recipient } from './recipient.ts'
import { recipientHash } from './recipient-hash.ts'
import { type KnownReminder, type NewReminder, type ReminderKey, reopenable, type SkipReason } from './reminder.ts'
import { graceEndsAt, isMoreUrgent, mostUrgent, stageDueAt, widestStageDays } from './stages.ts'

/** What is right for one stage that has come due. */
export interface Decision extends ReminderKey {
  readonly dueAt: Instant
  /** null: open, to be sent */
  readonly skip: SkipReason | null
}

/** What is right for one reminder now: to send it, or not to, and why. */
export type Verdict = 'current' | SkipReason

/**
 * Decides every stage of a PIN that is due at this instant (the due instant itself included), in the campaign's order,
 * widest first. At most one is open. Empty for a PIN that the campaign does not cover or its pilot leaves out.
 * `recipient` is null when the PIN has no address.
 */
export function decide(pin: Pin, campaign: Campaign, recipient: Recipient | null, at: Instant): Decision[] {
  const key = keyOf(recipient)
  if (!covers(campaign, pin) || !inPilot(campaign, key)) return []

  const due = campaign.stages
    .map((stage) => ({ stage, dueAt: stageDueAt(stage, pin, campaign, key) }))
    .filter(({ dueAt }) => dueAt <= at)
  if (due.length === 0) return []

  const version = versionOf(pin)
  const nearest = mostUrgent(due.map(({ stage }) => stage))
  return due.map(({ stage, dueAt }) => {
    const skip = reasonAgainst({ stage, dueAt, nearest }, pin, campaign, recipient, at)
    return { pinId: pin.pinId, version, stage, dueAt, skip }
  })
}

/**
 * Judges one planned reminder by its PIN as it is now (undefined: the portal has it no more), by the rules of `decide`.
 *
 * A reminder that was due once stays due. Its due instant moves only with the recipient's zone, their address (through
 * the spread) or a new edition of the campaign, and a skip would be final: the person would never hear of this stage.
 * The window still holds the mail until it opens in the new zone, and the mail counts its days when it is written.
 * What the campaign does not do any more is `not-applicable`: a stage that it dropped, a PIN that it does not cover, a
 * recipient outside its pilot.
 */
export function judge(
  reminder: ReminderKey,
  pin: Pin | undefined,
  campaign: Campaign,
  recipient: Recipient | null,
  at: Instant,
): Verdict {
  if (pin === undefined) return 'gone'
  if (versionOf(pin) !== reminder.version) return 'reset'
  const { stage } = reminder
  if (!campaign.stages.includes(stage) || !covers(campaign, pin)) return 'not-applicable'
  // Only a business clock that was set back gets here: nobody reads of an expiry that has not come.
  if (stage === 'expired' && at < pin.expiresAt) return 'not-applicable'

  const key = keyOf(recipient)
  const due = campaign.stages.filter((other) => stageDueAt(other, pin, campaign, key) <= at)
  const nearest = mostUrgent([...due, stage])
  const dueAt = stageDueAt(stage, pin, campaign, key)
  const reason = reasonAgainst({ stage, dueAt, nearest }, pin, campaign, recipient, at)
  if (reason !== null) return reason
  return inPilot(campaign, key) ? 'current' : 'not-applicable'
}

/**
 * True when the recipient belongs to the share of people that the campaign writes to: a stable one, which keeps
 * everybody when the percentage grows. Nobody knows where a PIN without an address belongs: it is left out until the
 * pilot ends.
 */
export function inPilot(campaign: Campaign, recipientKey: string | null): boolean {
  const { percent } = campaign.pins
  if (percent >= 100) return true
  return recipientKey !== null && recipientHash('pilot', campaign.key, recipientKey) % 100 < percent
}

/**
 * The expiries that a scan looks at, `[fromAt, toAt)`: all that may be due, and the past far enough back that
 * `too-late` is recorded.
 */
export function reach(campaign: Campaign, at: Instant): { fromAt: Instant; toAt: Instant } {
  const backDays = campaign.graceDays + slackDays.sendingDays
  const aheadDays = widestStageDays(campaign.stages) + campaign.spreadDays + slackDays.sendingDays + slackDays.zones
  return { fromAt: at - backDays * dayMs, toAt: at + aheadDays * dayMs }
}

/**
 * What a scan must write for one PIN: the decisions that the ledger lacks, and the ids of skips to take back. `known`
 * is all that the ledger holds of this PIN.
 */
export function planWrites(
  decisions: readonly Decision[],
  known: readonly KnownReminder[],
  recipient: Recipient | null,
): { inserts: NewReminder[]; reopens: string[] } {
  const recipientKey = keyOf(recipient)
  const inserts: NewReminder[] = []
  const reopens: string[] = []
  for (const decision of decisions) {
    const held = known.find((reminder) => isSame(reminder, decision))
    if (held === undefined) inserts.push({ ...decision, recipientKey })
    else if (decision.skip === null && mayReopen(held, known)) reopens.push(held.id)
  }
  return { inserts, reopens }
}

/** The longest run of days without an opening, and what zones and their daylight saving can put between two dates. */
const slackDays = { sendingDays: 7, zones: 2 }

/** A due stage among the others: `nearest` is the most urgent one that is due. */
interface DueStage {
  readonly stage: Stage
  readonly dueAt: Instant
  readonly nearest: Stage
}

/**
 * Why a due stage is not sent; the first line that applies, null when none does.
 *
 * | reason                      | when                               | before the next ones, because                 |
 * |-----------------------------|------------------------------------|-----------------------------------------------|
 * | `not-applicable`            | due no later than the PIN was set  | it is true for ever                           |
 * | `superseded`, or `too-late` | a warning, and the PIN has expired | final; `expired` follows, or nothing does     |
 * | `superseded`                | a nearer stage is due              | what is wrong is said at the nearest stage    |
 * | `too-late`                  | `expired`, and the grace has ended | final, while the next ones may change         |
 * | `no-pin`                    | the holder has set none            | there is nothing to write about               |
 * | `revoked`                   | the portal has withdrawn it        | it says more than a missing address           |
 * | `no-address`                | there is nobody to write to        | nobody has asked not to be written to         |
 * | `suppressed`                | no mail is to go to this address   |                                               |
 */
function reasonAgainst(
  { stage, dueAt, nearest }: DueStage,
  pin: Pin,
  campaign: Campaign,
  recipient: Recipient | null,
  at: Instant,
): SkipReason | null {
  if (pin.setAt !== null && dueAt <= pin.setAt) return 'not-applicable'
  if (stage !== 'expired' && at >= pin.expiresAt) {
    return campaign.stages.includes('expired') ? 'superseded' : 'too-late'
  }
  if (stage !== nearest) return 'superseded'
  if (stage === 'expired' && at >= graceEndsAt(pin, campaign)) return 'too-late'
  if (pin.status === 'none') return 'no-pin'
  if (pin.status === 'revoked') return 'revoked'
  if (recipient === null) return 'no-address'
  return recipient.suppressed ? 'suppressed' : null
}

function keyOf(recipient: Recipient | null): string | null {
  return recipient === null ? null : recipient.key
}

/** A scan asks the portal for these PINs only; one that is read again may have moved elsewhere. */
function covers(campaign: Campaign, pin: Pin): boolean {
  const { kind, accounts } = campaign.pins
  return pin.kind === kind && (accounts === null || (pin.accountId !== null && accounts.includes(pin.accountId)))
}

function isSame(one: ReminderKey, other: ReminderKey): boolean {
  return one.stage === other.stage && one.version === other.version && one.pinId === other.pinId
}

/**
 * A skip in which the portal may have erred is taken back, but not behind a nearer stage that is open or was tried: due
 * instants move with the recipient's zone and spread, and what was told must not be followed by older news.
 */
function mayReopen(held: KnownReminder, known: readonly KnownReminder[]): boolean {
  if (held.outcome !== 'skipped' || held.reason === null || !reopenable.has(held.reason)) return false
  const tried = known.filter((one) => one.outcome !== 'skipped' && isSame(one, { ...held, stage: one.stage }))
  return !tried.some((one) => isMoreUrgent(one.stage, held.stage))
}
