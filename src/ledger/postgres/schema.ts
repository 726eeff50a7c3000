import { sql } from 'drizzle-orm'
import {
  bigint,
  customType,
  doublePrecision,
  index,
  integer,
  pgTable,
  primaryKey,
  uniqueIndex,
} from 'drizzle-orm/pg-core'

// The same tables and columns as in SQLite. Instants are epoch milliseconds, UTC. Columns ending in `database_at` are the database's own
// time. No table names its schema: the connection's search path does.

/** Compared by bytes, as in SQLite: the order of ids and keys must not change with the server's locales. */
const text = customType<{ data: string }>({ dataType: () => 'text collate "C"' })

function oneOf<const N extends string, const T extends string>(name: N, _values: readonly T[]) {
  return customType<{ data: T }>({ dataType: () => 'text collate "C"' })(name)
}

/** Whole numbers up to 2^53, and so all instants. */
function whole<const N extends string>(name: N) {
  return bigint(name, { mode: 'number' })
}

/** Facts about this ledger: its id, its secret, when PINs were last imported. */
export const meta = pgTable('meta', {
  key: text('key').primaryKey(),
  value: text('value').notNull(),
})

/** The on/off controls. The shape of this table never changes: the stop must work on every version. */
export const gate = pgTable('gate', {
  scope: text('scope').primaryKey(),
  state: oneOf('state', ['on', 'off']).notNull(),
  epoch: integer('epoch').notNull(),
  reason: text('reason').notNull(),
  actor: text('actor').notNull(),
  since: whole('since').notNull(),
  claimProtocol: integer('claim_protocol').notNull(),
})

/** What a stop found, so that run again it can tell the first one's receipt. */
export const receipt = pgTable(
  'receipt',
  {
    scope: text('scope').notNull(),
    epoch: integer('epoch').notNull(),
    /** JSON: numbers of the attempts that were open when the gate closed. */
    inFlight: text('in_flight').notNull(),
    auditHash: text('audit_hash').notNull(),
  },
  (table) => [primaryKey({ columns: [table.scope, table.epoch] })],
)

export const audit = pgTable('audit', {
  seq: whole('seq').primaryKey(),
  databaseAt: whole('database_at').notNull(),
  actor: text('actor').notNull(),
  action: text('action').notNull(),
  subject: text('subject').notNull(),
  reason: text('reason').notNull(),
  before: text('before'),
  after: text('after'),
  previousHash: text('previous_hash').notNull(),
  hash: text('hash').notNull(),
})

/**
 * One row: the highest number that the audit ever gave out. SQLite keeps it by itself; a sequence of PostgreSQL would not do, since
 * it also counts what was rolled back. It belongs to the audit, and its shape never changes either.
 */
export const auditEnd = pgTable('audit_end', {
  id: integer('id').primaryKey(),
  seq: whole('seq').notNull(),
})

/** The built-in PIN source; empty when the portal's database is read directly. */
export const pin = pgTable(
  'pin',
  {
    pinId: text('pin_id').primaryKey(),
    kind: text('kind').notNull(),
    status: oneOf('status', ['active', 'revoked', 'none']).notNull(),
    email: text('email'),
    name: text('name'),
    accountId: text('account_id'),
    accountName: text('account_name'),
    locale: text('locale'),
    timeZone: text('time_zone'),
    setAt: whole('set_at'),
    expiresAt: whole('expires_at').notNull(),
    portalVersion: text('portal_version'),
  },
  (table) => [index('pin_by_expiry').on(table.kind, table.expiresAt, table.pinId)],
)

/** One (campaign, PIN, version, stage): the unit of deciding. */
export const reminder = pgTable(
  'reminder',
  {
    id: text('id').primaryKey(),
    campaign: text('campaign').notNull(),
    pinId: text('pin_id').notNull(),
    version: text('version').notNull(),
    stage: text('stage').notNull(),
    dueAt: whole('due_at').notNull(),
    recipientKey: text('recipient_key'),
    messageId: text('message_id'),
    /** null: open, also while in doubt */
    outcome: oneOf('outcome', ['sent', 'failed', 'skipped']),
    reason: text('reason'),
    decidedAt: whole('decided_at'),
    createdAt: whole('created_at').notNull(),
  },
  (table) => [
    uniqueIndex('reminder_once').on(table.campaign, table.pinId, table.version, table.stage),
    index('reminder_open').on(table.campaign, table.recipientKey, table.id).where(sql`outcome is null`),
    index('reminder_by_message').on(table.messageId),
    index('reminder_by_recipient').on(table.recipientKey),
    index('reminder_decided').on(table.decidedAt),
  ],
)

/** One mail to one address: the unit of sending. */
export const message = pgTable(
  'message',
  {
    id: text('id').primaryKey(),
    campaign: text('campaign').notNull(),
    /** null once the retention has passed */
    address: text('address'),
    recipientKey: text('recipient_key').notNull(),
    locale: text('locale'),
    timeZone: text('time_zone').notNull(),
    stage: text('stage').notNull(),
    /** smaller is more urgent */
    priority: integer('priority').notNull(),
    notBefore: whole('not_before').notNull(),
    notAfter: whole('not_after'),
    wait: text('wait'),
    state: oneOf('state', ['pending', 'sending', 'sent', 'in_doubt', 'failed', 'skipped']).notNull(),
    reference: text('reference').notNull(),
    editionHash: text('edition_hash'),
    /** JSON: what the mail was composed of, until the retention */
    renderValues: text('render_values'),
    currentAttempt: whole('current_attempt'),
    /** JSON: the buckets that the current claim counted in, to be given back when it was surely not accepted */
    counted: text('counted'),
    sesId: text('ses_id'),
    sentAt: whole('sent_at'),
    doubtSince: whole('doubt_since_database_at'),
    /** delivered, bounced, complained: follows the state, and can change */
    delivery: text('delivery'),
    createdAt: whole('created_at').notNull(),
    updatedAt: whole('updated_at').notNull(),
  },
  (table) => [
    uniqueIndex('message_by_reference').on(table.reference),
    index('message_sendable')
      .on(table.priority, table.notBefore, table.id, table.campaign, table.notAfter)
      .where(sql`state = 'pending'`),
    index('message_live').on(table.recipientKey).where(sql`state in ('pending', 'sending')`),
    index('message_in_doubt').on(table.doubtSince).where(sql`state = 'in_doubt'`),
    index('message_to_forget')
      .on(table.updatedAt)
      .where(sql`address is not null and state in ('sent', 'failed', 'skipped')`),
    index('message_by_campaign_state').on(table.campaign, table.state),
  ],
)

/** One call of SES for a message; open until its own worker has recorded its end. */
export const attempt = pgTable(
  'attempt',
  {
    number: whole('number').primaryKey().generatedByDefaultAsIdentity(),
    token: text('token').notNull(),
    messageId: text('message_id').notNull(),
    workerName: text('worker_name').notNull(),
    workerHost: text('worker_host').notNull(),
    workerPid: integer('worker_pid').notNull(),
    workerIncarnation: text('worker_incarnation').notNull(),
    askedDatabaseAt: whole('asked_database_at').notNull(),
    leaseEndsDatabaseAt: whole('lease_ends_database_at').notNull(),
    beganAt: whole('began_at'),
    endedAt: whole('ended_at'),
    outcome: text('outcome'),
    code: text('code'),
    requestId: text('request_id'),
    sesId: text('ses_id'),
  },
  (table) => [
    uniqueIndex('attempt_by_token').on(table.token),
    index('attempt_by_message').on(table.messageId),
    index('attempt_open').on(table.number).where(sql`ended_at is null`),
    index('attempt_asked').on(table.askedDatabaseAt),
  ],
)

/** How many mails count towards a cap: an address's day, a campaign's hour or day. */
export const cap = pgTable('cap', {
  bucket: text('bucket').primaryKey(),
  count: integer('count').notNull(),
  /** business time of the last claim that counted here */
  countedAt: whole('counted_at').notNull(),
})

/** One row: who may call next, at what speed, and what SES's last answers said. */
export const pace = pgTable('pace', {
  id: integer('id').primaryKey(),
  /** database time, with a fraction: slots may lie closer than a millisecond */
  nextSlotAt: doublePrecision('next_slot_at').notNull(),
  resumeRamp: text('resume_ramp'),
  throttledRamp: text('throttled_ramp'),
  hold: text('hold'),
  unansweredInARow: integer('unanswered_in_a_row').notNull(),
  sesRatePerSecond: doublePrecision('ses_rate_per_second'),
  quotaMax24Hour: whole('quota_max_24_hour'),
  quotaUsed: whole('quota_used'),
  quotaAskedAt: whole('quota_asked_database_at'),
})

export const lease = pgTable('lease', {
  name: text('name').primaryKey(),
  holder: text('holder').notNull(),
  untilAt: whole('until_database_at').notNull(),
})

export const scan = pgTable('scan', {
  campaign: text('campaign').primaryKey(),
  startedAt: whole('started_at').notNull(),
  finishedAt: whole('finished_at').notNull(),
  examined: integer('examined').notNull(),
  planned: integer('planned').notNull(),
})

/** People to whom no mail is to go. */
export const suppression = pgTable('suppression', {
  recipientKey: text('recipient_key').primaryKey(),
  /** As it was given; kept beyond the retention, or it could not be shown to be silenced. */
  address: text('address').notNull(),
  actor: text('actor').notNull(),
  reason: text('reason').notNull(),
  since: whole('since_database_at').notNull(),
})

/** Campaign and compiled template as they were when enabled, by hash. */
export const edition = pgTable('edition', {
  hash: text('hash').primaryKey(),
  campaign: text('campaign').notNull(),
  body: text('body').notNull(),
  createdAt: whole('created_database_at').notNull(),
})

/** Which edition a campaign was last enabled with. */
export const enabled = pgTable('enabled', {
  campaign: text('campaign').primaryKey(),
  editionHash: text('edition_hash').notNull(),
})
