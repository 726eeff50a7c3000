import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

// Instants are epoch milliseconds, UTC. Columns ending in `database_at` are the database's own time.

/** Facts about this ledger: its id, its secret, when PINs were last imported. */
export const meta = sqliteTable('meta', {
  key: text('key').primaryKey(),
  value: text('value').notNull(),
})

/** The on/off controls. The shape of this table never changes: the stop must work on every version. */
export const gate = sqliteTable('gate', {
  scope: text('scope').primaryKey(),
  state: text('state', { enum: ['on', 'off'] }).notNull(),
  epoch: integer('epoch').notNull(),
  reason: text('reason').notNull(),
  actor: text('actor').notNull(),
  since: integer('since').notNull(),
  claimProtocol: integer('claim_protocol').notNull(),
})

/** What a stop found, so that run again it can tell the first one's receipt. */
export const receipt = sqliteTable(
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

export const audit = sqliteTable('audit', {
  seq: integer('seq').primaryKey({ autoIncrement: true }),
  databaseAt: integer('database_at').notNull(),
  actor: text('actor').notNull(),
  action: text('action').notNull(),
  subject: text('subject').notNull(),
  reason: text('reason').notNull(),
  before: text('before'),
  after: text('after'),
  previousHash: text('previous_hash').notNull(),
  hash: text('hash').notNull(),
})

/** The built-in PIN source; empty when the portal's database is read directly. */
export const pin = sqliteTable(
  'pin',
  {
    pinId: text('pin_id').primaryKey(),
    kind: text('kind').notNull(),
    status: text('status', { enum: ['active', 'revoked', 'none'] }).notNull(),
    email: text('email'),
    name: text('name'),
    accountId: text('account_id'),
    accountName: text('account_name'),
    locale: text('locale'),
    timeZone: text('time_zone'),
    setAt: integer('set_at'),
    expiresAt: integer('expires_at').notNull(),
    portalVersion: text('portal_version'),
  },
  (table) => [index('pin_by_expiry').on(table.kind, table.expiresAt, table.pinId)],
)

/** One (campaign, PIN, version, stage): the unit of deciding. */
export const reminder = sqliteTable(
  'reminder',
  {
    id: text('id').primaryKey(),
    campaign: text('campaign').notNull(),
    pinId: text('pin_id').notNull(),
    version: text('version').notNull(),
    stage: text('stage').notNull(),
    dueAt: integer('due_at').notNull(),
    recipientKey: text('recipient_key'),
    messageId: text('message_id'),
    /** null: open, also while in doubt */
    outcome: text('outcome', { enum: ['sent', 'failed', 'skipped'] }),
    reason: text('reason'),
    decidedAt: integer('decided_at'),
    createdAt: integer('created_at').notNull(),
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
export const message = sqliteTable(
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
    notBefore: integer('not_before').notNull(),
    notAfter: integer('not_after'),
    wait: text('wait'),
    state: text('state', { enum: ['pending', 'sending', 'sent', 'in_doubt', 'failed', 'skipped'] }).notNull(),
    reference: text('reference').notNull(),
    editionHash: text('edition_hash'),
    /** JSON: what the mail was composed of, until the retention */
    renderValues: text('render_values'),
    currentAttempt: integer('current_attempt'),
    /** JSON: the buckets that the current claim counted in, to be given back when it was surely not accepted */
    counted: text('counted'),
    sesId: text('ses_id'),
    sentAt: integer('sent_at'),
    doubtSince: integer('doubt_since_database_at'),
    /** delivered, bounced, complained: follows the state, and can change */
    delivery: text('delivery'),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
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
export const attempt = sqliteTable(
  'attempt',
  {
    number: integer('number').primaryKey({ autoIncrement: true }),
    token: text('token').notNull(),
    messageId: text('message_id').notNull(),
    workerName: text('worker_name').notNull(),
    workerHost: text('worker_host').notNull(),
    workerPid: integer('worker_pid').notNull(),
    workerIncarnation: text('worker_incarnation').notNull(),
    askedDatabaseAt: integer('asked_database_at').notNull(),
    leaseEndsDatabaseAt: integer('lease_ends_database_at').notNull(),
    beganAt: integer('began_at'),
    endedAt: integer('ended_at'),
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
export const cap = sqliteTable('cap', {
  bucket: text('bucket').primaryKey(),
  count: integer('count').notNull(),
  /** business time of the last claim that counted here */
  countedAt: integer('counted_at').notNull(),
})

/** One row: who may call next, at what speed, and what SES's last answers said. */
export const pace = sqliteTable('pace', {
  id: integer('id').primaryKey(),
  /** database time, with a fraction: slots may lie closer than a millisecond */
  nextSlotAt: real('next_slot_at').notNull(),
  resumeRamp: text('resume_ramp'),
  throttledRamp: text('throttled_ramp'),
  hold: text('hold'),
  unansweredInARow: integer('unanswered_in_a_row').notNull(),
  sesRatePerSecond: real('ses_rate_per_second'),
  quotaMax24Hour: integer('quota_max_24_hour'),
  quotaUsed: integer('quota_used'),
  quotaAskedAt: integer('quota_asked_database_at'),
})

export const lease = sqliteTable('lease', {
  name: text('name').primaryKey(),
  holder: text('holder').notNull(),
  untilAt: integer('until_database_at').notNull(),
})

export const scan = sqliteTable('scan', {
  campaign: text('campaign').primaryKey(),
  startedAt: integer('started_at').notNull(),
  finishedAt: integer('finished_at').notNull(),
  examined: integer('examined').notNull(),
  planned: integer('planned').notNull(),
})

/** People to whom no mail is to go. */
export const suppression = sqliteTable('suppression', {
  recipientKey: text('recipient_key').primaryKey(),
  /** As it was given; kept beyond the retention, or it could not be shown to be silenced. */
  address: text('address').notNull(),
  actor: text('actor').notNull(),
  reason: text('reason').notNull(),
  since: integer('since_database_at').notNull(),
})

/** Campaign and compiled template as they were when enabled, by hash. */
export const edition = sqliteTable('edition', {
  hash: text('hash').primaryKey(),
  campaign: text('campaign').notNull(),
  body: text('body').notNull(),
  createdAt: integer('created_database_at').notNull(),
})

/** Which edition a campaign was last enabled with. */
export const enabled = sqliteTable('enabled', {
  campaign: text('campaign').primaryKey(),
  editionHash: text('edition_hash').notNull(),
})
