import type { Assembly } from '#core/assembly.ts'
import type { Stage } from '#core/campaign.ts'
import type { Limit } from '#core/caps.ts'
import type { Hold, HoldCause, Sign } from '#core/hold.ts'
import type { Instant } from '#core/instant.ts'
import type { Edition, LetterValues } from '#core/letter.ts'
import type { MessageState } from '#core/message-state.ts'
import type { Outcome, SesQuota } from '#core/outcome.ts'
import type { Quota, Ramp, RatePolicy } from '#core/pace.ts'
import type { Recipients } from '#core/recipient.ts'
import type {
  KnownReminder,
  NewReminder,
  OpenReminder,
  ReminderKey,
  ReminderOutcome,
  SkipCounts,
  SkipReason,
} from '#core/reminder.ts'

/**
 * The ledger: the truth about what was decided, what was sent, and what may be sent. Every method is one transaction
 * of under 100 ms, or a plain read. Instants named `databaseAt` are the database's own time; all others are given by
 * the caller, in business time.
 */
export interface Ledger {
  /** Absolute address, fit to be shown: no password. */
  readonly address: string
  readonly gates: GateBook
  readonly audit: AuditBook
  readonly editions: EditionBook
  readonly plans: PlanBook
  readonly outbox: Outbox
  readonly attempts: AttemptBook
  readonly pace: PaceBook
  readonly leases: LeaseBook
  readonly suppressions: SuppressionBook
  readonly reports: ReportBook
  /** Names a recipient without telling the address: HMAC with the ledger's own secret, without regard to case. */
  recipientKey(address: string): string
  /** Whom each of these addresses would reach, by address. At most 1,000. */
  recipients(addresses: readonly string[]): Promise<Recipients>
  databaseNow(): Promise<Instant>
  /** May be called twice. */
  close(): Promise<void>
}

/** Who changes a control, and why. */
export interface By {
  readonly actor: string
  readonly reason: string
}

/** The scope of the kill switch. */
export const everything = '*'

/** A claim of another protocol sees gate `*` closed: an old version beside a new one sends nothing. */
export const claimProtocol = 1

// ---------------------------------------------------------------- gates

export interface Gate {
  /** `*`, or a campaign's key. */
  readonly scope: string
  readonly state: 'on' | 'off'
  /** Numbers the changes, from 0. */
  readonly epoch: number
  readonly reason: string
  readonly actor: string
  /** Database time of the last change. */
  readonly since: Instant
}

/** What closing a gate found. */
export interface Closing {
  readonly gate: Gate
  /** False when it was closed already: then nothing was changed. */
  readonly changed: boolean
  /** Numbers of the attempts that were open when the gate closed. */
  readonly inFlight: readonly number[]
  /** The audit's last hash. */
  readonly auditHash: string
}

/**
 * The on/off controls. These methods use only the tables `gate`, `audit`, `attempt`, `message` and `receipt`, and work
 * on a ledger whose migrations are pending or newer.
 */
export interface GateBook {
  /** The gate of `*` and of every campaign that ever had one, `*` first. */
  list(): Promise<Gate[]>
  /** null: never opened, which is off. */
  read(scope: string): Promise<Gate | null>
  /** Closes a gate and writes the audit: one commit, after which no claim succeeds. Retries a busy ledger without pause for up to 30 s. */
  close(scope: string, by: By): Promise<Closing>
  /** Opens a gate and writes the audit; `ramp` (for `*`) is written in the same commit. */
  open(scope: string, by: By, ramp: { factor: number; forMs: number } | null): Promise<Gate>
}

// ---------------------------------------------------------------- audit

export interface AuditEntry {
  readonly seq: number
  readonly databaseAt: Instant
  readonly actor: string
  /** e.g. `gate.close`, `campaign.enable`, `message.settle` */
  readonly action: string
  /** What it was done to: a scope, a campaign, a message id. Never an address. */
  readonly subject: string
  readonly reason: string
  /** JSON */
  readonly before: string | null
  /** JSON */
  readonly after: string | null
  readonly previousHash: string
  readonly hash: string
}

export interface AuditBook {
  append(entry: { by: By; action: string; subject: string; before?: unknown; after?: unknown }): Promise<void>
  /** Newest first. */
  list(limit: number): Promise<AuditEntry[]>
  /** Walks the whole chain; `firstBroken` is the first row that does not follow from the one before it. */
  verify(): Promise<{ entries: number; intact: boolean; firstBroken: number | null }>
}

// ---------------------------------------------------------------- editions

export interface EditionBook {
  /** Makes this edition the campaign's, opens its gate and writes the audit: one commit. */
  enable(edition: Edition, by: By): Promise<Gate>
  /** The edition that a campaign was last enabled with; null: never. */
  current(campaign: string): Promise<Edition | null>
  /** All campaigns that were ever enabled, with their last edition. */
  all(): Promise<Edition[]>
  byHash(hash: string): Promise<Edition | null>
}

// ---------------------------------------------------------------- planning and assembly

/** A place in the open reminders, which are paged by recipient, then id. */
export interface OpenCursor {
  readonly recipientKey: string
  readonly id: string
}

export interface AssemblyResult {
  readonly created: number
  readonly joined: number
  /** Reminders that wait since a message to their address is `sending`. */
  readonly waiting: number
  /** Reminders decided as skipped: those of the page that were still open and untouched by a mail. */
  readonly skipped: SkipCounts
  /** Messages that were left without open reminders, and became `skipped`. */
  readonly emptied: number
}

export interface PlanBook {
  /** All that is recorded of these PINs in a campaign. At most 1,000 ids. */
  known(campaign: string, pinIds: readonly string[]): Promise<KnownReminder[]>
  /** Writes a page's new reminders and reopens decided ones, whole or not at all; what is there already stays as it is. */
  write(
    campaign: string,
    writes: { inserts: readonly NewReminder[]; reopens: readonly string[] },
    at: Instant,
  ): Promise<{ planned: number; skipped: SkipCounts }>
  /** Open reminders without a message, or in one that is `pending`, after the cursor. */
  open(campaign: string, after: OpenCursor | null, limit: number): Promise<OpenReminder[]>
  /**
   * Decides the skips, and puts the drafts' reminders into messages: a pending message to the same address is joined; while
   * one is `sending` its reminders wait. A message's stage and priority are those of its most urgent open reminder; a
   * pending message whose opening has passed (`notAfter` ≤ at), or whose window opens earlier by now, moves to the draft's; one left without open reminders
   * becomes `skipped`. A reminder whose message became untouchable meanwhile is left alone.
   */
  assemble(campaign: string, page: Assembly, at: Instant): Promise<AssemblyResult>
  recordScan(scan: ScanRecord): Promise<void>
  lastScans(): Promise<ScanRecord[]>
}

export interface ScanRecord {
  readonly campaign: string
  readonly startedAt: Instant
  readonly finishedAt: Instant
  readonly examined: number
  readonly planned: number
}

// ---------------------------------------------------------------- sending

/** A pending message as the send job takes it up. */
export interface PendingMessage {
  readonly id: string
  readonly campaign: string
  readonly address: string
  readonly recipientKey: string
  readonly reference: string
  readonly notBefore: Instant
  /** The edition that its campaign was last enabled with: what the mail is to be made of. */
  readonly editionHash: string
  /** Its open reminders. */
  readonly reminders: readonly OpenReminder[]
}

/** Why a pending message waits for its `notBefore`. */
export type WaitReason = 'window' | 'cap' | 'limit' | 'back-off' | 'portal'

/** The process that claims: enough to prove it gone. */
export interface Worker {
  /** For people: `host:pid`. */
  readonly name: string
  readonly host: string
  readonly pid: number
  /** What tells this process from another with its pid: boot and pid namespace, and start time. */
  readonly incarnation: string
}

export interface ClaimRequest {
  /** Unique for this call: by it a claim is found again whose commit's answer was lost. */
  readonly token: string
  readonly messageId: string
  /** Exactly the reminders that the mail was composed of. */
  readonly composed: readonly (ReminderKey & { readonly id: string })[]
  /** The mail's content and its edition, kept so that what was sent can be shown. */
  readonly values: LetterValues
  readonly editionHash: string
  /** The recipient's opening; null: any time. Checked when the claim is made. */
  readonly opening: { readonly fromAt: Instant; readonly untilAt: Instant } | null
  /** The address's daily cap: a day in the recipient's zone. */
  readonly cap: { readonly localDate: string; readonly max: number } | null
  /** The campaign's limits: at most `max` claims under this bucket name. */
  readonly limits: readonly Limit[]
  /** Monotonic clock of this process; a claim that comes later than this is refused as stale. */
  readonly freshUntilMonotonicMs: number
  readonly worker: Worker
  /** The attempt is given up as in doubt this long after the claim, unless its worker ends it before. */
  readonly leaseMs: number
}

export type ClaimRefusal = 'gate' | 'not-pending' | 'changed' | 'window' | 'cap' | 'limit' | 'stale'

export type Claim =
  | { readonly kind: 'claimed'; readonly attempt: number }
  | { readonly kind: 'refused'; readonly because: ClaimRefusal }
  /** The commit's answer was lost; `attempt` is what was found when asked again: null = the claim was not made. SES must not be called. */
  | { readonly kind: 'answer-lost'; readonly attempt: number | null }

/** How an attempt ended, and what becomes of its message. */
export interface Settlement {
  readonly messageId: string
  readonly attempt: number
  readonly outcome: Outcome
  readonly code: string | null
  readonly requestId: string | null
  readonly sesId: string | null
  /** Wall clock of the worker; null: the call never began. */
  readonly beganAt: Instant | null
  readonly endedAt: Instant
  /** Business time, for `sent_at` and `decided_at`. */
  readonly at: Instant
  readonly to: Extract<MessageState, 'sent' | 'failed' | 'pending' | 'in_doubt'>
  /** For `pending`: when to try again, and why then. */
  readonly again: { readonly notBefore: Instant; readonly wait: WaitReason } | null
  readonly sign: Sign
  /** True: SES throttled; everybody slows down. */
  readonly slowDown: boolean
}

/** `applied`: to the message. `late`: only the attempt's row was filled. `alarm`: late *and* accepted: a message may have gone out twice. */
export type Settled = 'applied' | 'late' | 'alarm'

/** What of all that is sendable is wanted. */
export interface Among {
  readonly campaign?: string | undefined
  /** See `rooms`. */
  readonly rooms?: ReadonlyMap<string, number>
}

export interface Outbox {
  /**
   * Ids of the messages that may be tried now, most urgent first: pending, both gates open, `notBefore` ≤ at < `notAfter`;
   * of one campaign only, where it is given; of a campaign with a limit at most as many as it has room for.
   */
  sendable(at: Instant, limit: number, among?: Among): Promise<string[]>
  /** How many more claims their limits allow campaigns, by key: of those given. */
  rooms(limits: ReadonlyMap<string, readonly Limit[]>): Promise<ReadonlyMap<string, number>>
  /** null unless the message is pending. */
  load(messageId: string): Promise<PendingMessage | null>
  /**
   * At the re-read: decides reminders as skipped, takes others out of the message (to be assembled anew). A message left
   * without open reminders becomes `skipped`. Does nothing to a message that is not pending any more.
   */
  prune(
    messageId: string,
    change: { skips: readonly { id: string; reason: SkipReason }[]; releases: readonly string[] },
    at: Instant,
  ): Promise<void>
  /** Moves a pending message to a later opening. */
  defer(messageId: string, to: { notBefore: Instant; notAfter: Instant | null; wait: WaitReason }): Promise<void>
  /** See Claim. Claims and settlements that arrive while a commit runs share the next one. */
  claim(request: ClaimRequest): Promise<Claim>
  /** Compare-and-set on (message, attempt). A lost commit answer is settled again by itself. */
  settle(settlement: Settlement): Promise<Settled>
}

// ---------------------------------------------------------------- attempts

export interface Attempt {
  readonly number: number
  readonly messageId: string
  readonly campaign: string
  readonly worker: Worker
  /** Database time of the claim. */
  readonly askedAt: Instant
  readonly leaseEndsAt: Instant
  readonly outcome: Outcome | null
  readonly endedAt: Instant | null
  /** What became of its message so far. */
  readonly messageState: MessageState
}

export interface AttemptBook {
  /** Attempts that nobody has ended yet. Uses the gate's tables only. */
  open(): Promise<Attempt[]>
  /** These attempts, in order of number. Uses the gate's tables only. */
  byNumber(numbers: readonly number[]): Promise<Attempt[]>
  /** A claim without an end becomes in doubt; with `close` the attempt is written off too: its worker is proven gone, or the fence has passed. */
  doubt(attempt: number, close: boolean, at: Instant): Promise<void>
}

// ---------------------------------------------------------------- pace

export type Reservation =
  /** Slots in database time, evenly spaced; `databaseAt` is the database's clock at the answer. */
  | { readonly kind: 'slots'; readonly databaseAt: Instant; readonly slots: readonly Instant[] }
  /** None in the next 100 ms. */
  | { readonly kind: 'wait'; readonly waitMs: number }
  | { readonly kind: 'hold'; readonly cause: HoldCause; readonly waitMs: number }

export interface PaceBook {
  /** Reserves at most `wanted` slots of the next 100 ms; under a hold one slot per probe. */
  reserve(wanted: number, policy: RatePolicy): Promise<Reservation>
  /** Notes SES's rate and quota, asked for just now. */
  setQuota(quota: SesQuota): Promise<void>
  /** True for one caller per `everyMs`: that one asks SES. */
  takeQuotaTurn(everyMs: number): Promise<boolean>
  read(): Promise<PaceState>
}

export interface PaceState {
  readonly databaseAt: Instant
  readonly hold: Hold | null
  readonly unansweredInARow: number
  readonly resumeRamp: Ramp | null
  readonly throttledRamp: Ramp | null
  /** SES's rate; null: not known. */
  readonly sesRatePerSecond: number | null
  /** SES's daily quota and what of it is used, own reservations since the last question included; null: not known or unlimited. */
  readonly quota: Quota | null
}

// ---------------------------------------------------------------- leases

export interface LeaseBook {
  /** Takes or renews a lease; false while another holder has it. Database time. */
  acquire(name: string, holder: string, forMs: number): Promise<boolean>
  /** Who has it now; null: nobody. */
  holder(name: string): Promise<string | null>
  release(name: string, holder: string): Promise<void>
}

// ---------------------------------------------------------------- suppressions

/** An address to which no mail is to go. */
export interface Suppression {
  readonly address: string
  readonly actor: string
  readonly reason: string
  /** Database time. */
  readonly since: Instant
}

/** A claim of a message to a suppressed recipient is refused as `changed`. */
export interface SuppressionBook {
  /** Silences a checked address and writes the audit: one commit. False when it was silenced already; then nothing changes. */
  add(address: string, by: By): Promise<boolean>
  /** False when it was not silenced. */
  remove(address: string, by: By): Promise<boolean>
  /** Newest first. */
  list(limit: number): Promise<Suppression[]>
}

// ---------------------------------------------------------------- reports

export type StateCounts = Readonly<Record<MessageState, number>>

export interface MessageRow {
  readonly id: string
  readonly reference: string
  readonly campaign: string
  readonly stage: Stage
  readonly state: MessageState
  readonly attempts: number
  readonly updatedAt: Instant
}

export interface MessageDetail extends MessageRow {
  /** null once the retention has passed. */
  readonly address: string | null
  readonly notBefore: Instant
  readonly wait: WaitReason | null
  readonly sentAt: Instant | null
  readonly sesId: string | null
  readonly editionHash: string | null
  readonly values: LetterValues | null
  readonly reminders: readonly (ReminderKey & {
    readonly outcome: ReminderOutcome | null
    readonly reason: SkipReason | null
    readonly dueAt: Instant
    readonly decidedAt: Instant | null
  })[]
  readonly attemptList: readonly Attempt[]
}

/** What a history is asked for: all that was decided about a PIN or a recipient, or the one message. */
export type Subject = { readonly pinId: string } | { readonly recipientKey: string } | { readonly messageId: string }

/** What the ledger knows of a subject, each list oldest first. */
export interface History {
  readonly reminders: readonly HistoryReminder[]
  /** The messages that hold these reminders. */
  readonly messages: readonly HistoryMessage[]
  /** True when there are older reminders than these. */
  readonly truncated: boolean
}

export interface HistoryReminder extends KnownReminder {
  readonly campaign: string
  readonly dueAt: Instant
  readonly messageId: string | null
  readonly createdAt: Instant
  /** null: open */
  readonly decidedAt: Instant | null
}

export interface HistoryMessage {
  readonly id: string
  readonly reference: string
  readonly campaign: string
  readonly recipientKey: string
  readonly stage: Stage
  readonly state: MessageState
  readonly notBefore: Instant
  readonly notAfter: Instant | null
  readonly wait: WaitReason | null
  readonly createdAt: Instant
  readonly updatedAt: Instant
  readonly sentAt: Instant | null
  /** The attempt that the state comes from; null: none. */
  readonly currentAttempt: number | null
  /** In order of number. */
  readonly attempts: readonly HistoryAttempt[]
}

export interface HistoryAttempt {
  readonly number: number
  /** Database time of the claim. */
  readonly askedAt: Instant
  /** Wall clock of the worker; null: not ended yet. */
  readonly endedAt: Instant | null
  readonly outcome: Outcome | null
  /** SES's error code. */
  readonly code: string | null
}

export interface ReportBook {
  /** Messages by campaign and state, since each campaign began. */
  countsByCampaign(): Promise<Map<string, StateCounts>>
  /** Pending messages by campaign and by why they wait at this instant: a `WaitReason`, or `ready`. */
  waiting(at: Instant): Promise<{ campaign: string; why: WaitReason | 'ready'; messages: number; nextAt: Instant }[]>
  /** Decided and open reminders whose decision or state is of interest to a run: by outcome and reason, decided at or after `since`. */
  decidedSince(
    campaigns: readonly string[],
    since: Instant,
  ): Promise<{ outcome: ReminderOutcome; reason: SkipReason | null; reminders: number }[]>
  /** Reminders that are open now, by the state of their message (`pending` also when they have none yet). */
  openReminders(): Promise<{ pending: number; inDoubt: number }>
  /** Database time since the oldest doubt began, in seconds; null: none. */
  oldestDoubtSeconds(): Promise<number | null>
  /**
   * Of the pending messages that may go at this instant (gates, holds and limits aside), the one of each campaign and stage that is
   * first in line, and since when it could have gone. The most urgent stage first, then by campaign.
   */
  oldestDue(at: Instant): Promise<{ campaign: string; stage: Stage; since: Instant }[]>
  /** Attempts begun in the last `ms` of database time. */
  callsInLast(ms: number): Promise<number>
  messages(filter: {
    state?: MessageState
    campaign?: string
    limit: number
  }): Promise<{ rows: MessageRow[]; truncated: boolean }>
  /** By id or reference. */
  message(idOrReference: string): Promise<MessageDetail | null>
  /** All that was decided about a subject; empty when nothing was. At most the 1,000 newest reminders. */
  history(subject: Subject): Promise<History>
  /**
   * Removes addresses, render values and names of messages decided before this instant; how many. At most 1,000 a call.
   * Counters of caps and limits that have not counted since then go with them.
   */
  forgetAddresses(decidedBefore: Instant): Promise<number>
}
