import { and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import type { Assembly } from '#core/assembly.ts'
import type { Stage } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import type { SkipReason } from '#core/reminder.ts'
import type { AssemblyTables, FreeReminder, NewMessage } from '../assemble-page.ts'
import type { Database } from './connection.ts'
import { among, given, givenRows, insertRows } from './given-rows.ts'
import { message, reminder } from './schema.ts'

type Opening = Parameters<AssemblyTables['moveOpening']>[1]
type Rank = Parameters<AssemblyTables['rank']>[1]

interface MessageInMemory {
  readonly id: string
  readonly recipientKey: string
  state: string
  stage: string
  priority: number
  notBefore: Instant
  notAfter: Instant | null
  wait: string | null
}

interface ReminderInMemory {
  readonly id: string
  readonly stage: string
  messageId: string | null
}

/**
 * All that the assembly of a page can touch, locked and read in a few statements; changed in memory, and written in a few
 * statements again: one by one, each of hundreds would wait for its answer.
 */
export class AssemblyMemory implements AssemblyTables {
  readonly #campaign: string
  readonly #at: Instant
  /** Locked: those of the page's reminders, and those that are live for its recipients. */
  readonly #messages: Map<string, MessageInMemory>
  /** Open ones of the page, and all others in the pending messages. */
  readonly #reminders: Map<string, ReminderInMemory>
  readonly #skips = new Map<string, SkipReason>()
  readonly #moves = new Map<string, { messageId: string | null; recipientKey: string }>()
  readonly #created: NewMessage[] = []
  readonly #changed = new Set<string>()

  static async load(db: Database, campaign: string, page: Assembly, at: Instant): Promise<AssemblyMemory> {
    const ids = [...page.skips, ...page.drafts.flatMap((draft) => draft.reminders)].map(({ id }) => id)
    const recipientKeys = page.drafts.map((draft) => draft.recipientKey)
    const messages = await lockMessages(db, campaign, ids, recipientKeys)
    // After the locks: before, a reminder could still leave its message.
    const reminders = await openReminders(db, campaign, ids, pendingIds(messages))
    return new AssemblyMemory(campaign, at, messages, reminders)
  }

  private constructor(campaign: string, at: Instant, messages: MessageInMemory[], reminders: ReminderInMemory[]) {
    this.#campaign = campaign
    this.#at = at
    this.#messages = new Map(messages.map((one) => [one.id, one]))
    this.#reminders = new Map(reminders.map((one) => [one.id, one]))
  }

  skip(id: string, reason: SkipReason): FreeReminder | undefined {
    const found = this.free(id)
    if (found === undefined) return undefined
    this.#skips.set(id, reason)
    this.#reminders.delete(id)
    return found
  }

  live(recipientKey: string): MessageInMemory[] {
    const isLive = (one: MessageInMemory) => one.recipientKey === recipientKey && liveStates.includes(one.state)
    return [...this.#messages.values()].filter(isLive)
  }

  free(id: string): FreeReminder | undefined {
    const found = this.#reminders.get(id)
    if (found === undefined) return undefined
    const isFree = found.messageId === null || this.#messages.get(found.messageId)?.state === 'pending'
    return isFree ? found : undefined
  }

  move(id: string, to: { messageId: string | null; recipientKey: string }): void {
    this.#moves.set(id, to)
    const found = this.#reminders.get(id)
    if (found !== undefined) found.messageId = to.messageId
  }

  create(one: NewMessage): void {
    this.#created.push(one)
    this.#messages.set(one.id, { ...one, state: 'pending' })
  }

  moveOpening(messageId: string, to: Opening): void {
    this.#change(messageId, to)
  }

  openStages(messageId: string): Stage[] {
    const inside = [...this.#reminders.values()].filter((one) => one.messageId === messageId)
    return [...new Set(inside.map((one) => one.stage as Stage))]
  }

  empty(messageId: string): void {
    this.#change(messageId, { state: 'skipped' })
  }

  rank(messageId: string, rank: Rank): void {
    this.#change(messageId, rank)
  }

  async save(db: Database): Promise<void> {
    await this.#saveSkips(db)
    await this.#saveMoves(db)
    await this.#saveCreated(db)
    await this.#saveChanged(db)
  }

  #change(messageId: string, change: Partial<MessageInMemory>): void {
    const found = this.#messages.get(messageId)
    if (found?.state !== 'pending') return
    Object.assign(found, change)
    this.#changed.add(messageId)
  }

  async #saveSkips(db: Database): Promise<void> {
    if (this.#skips.size === 0) return
    const rows = [...this.#skips].map(([id, reason]) => ({ id, reason }))
    await db
      .update(reminder)
      .set({ outcome: 'skipped', reason: given(reminder.reason), decidedAt: this.#at })
      .from(givenRows(reminder, ['id', 'reason'], rows))
      .where(eq(reminder.id, given(reminder.id)))
  }

  async #saveMoves(db: Database): Promise<void> {
    if (this.#moves.size === 0) return
    const rows = [...this.#moves].map(([id, to]) => ({ id, ...to }))
    await db
      .update(reminder)
      .set({ messageId: given(reminder.messageId), recipientKey: given(reminder.recipientKey) })
      .from(givenRows(reminder, ['id', 'messageId', 'recipientKey'], rows))
      .where(eq(reminder.id, given(reminder.id)))
  }

  async #saveCreated(db: Database): Promise<void> {
    const times = { createdAt: this.#at, updatedAt: this.#at }
    const rows = this.#created.map((one) => ({ ...one, ...times, campaign: this.#campaign, state: 'pending' as const }))
    await insertRows(db, message, insertColumns, rows)
  }

  async #saveChanged(db: Database): Promise<void> {
    if (this.#changed.size === 0) return
    const changed = [...this.#changed].map((id) => this.#messages.get(id)).filter((one) => one !== undefined)
    const rows = changed.map((one) => ({ ...one, state: one.state as 'pending' | 'skipped' }))
    await db
      .update(message)
      .set({
        state: given(message.state),
        stage: given(message.stage),
        priority: given(message.priority),
        notBefore: given(message.notBefore),
        notAfter: given(message.notAfter),
        wait: given(message.wait),
        updatedAt: this.#at,
      })
      .from(givenRows(message, ['id', 'state', 'stage', 'priority', 'notBefore', 'notAfter', 'wait'], rows))
      .where(eq(message.id, given(message.id)))
  }
}

const liveStates = ['pending', 'sending']

const insertColumns = [
  'id',
  'campaign',
  'address',
  'recipientKey',
  'locale',
  'timeZone',
  'stage',
  'priority',
  'notBefore',
  'notAfter',
  'wait',
  'state',
  'reference',
  'createdAt',
  'updatedAt',
] as const

/** In order of id, so that nobody waits in a circle. */
function lockMessages(
  db: Database,
  campaign: string,
  reminderIds: readonly string[],
  recipientKeys: readonly string[],
): Promise<MessageInMemory[]> {
  return db
    .select({
      id: message.id,
      recipientKey: message.recipientKey,
      state: message.state,
      stage: message.stage,
      priority: message.priority,
      notBefore: message.notBefore,
      notAfter: message.notAfter,
      wait: message.wait,
    })
    .from(message)
    .where(and(eq(message.campaign, campaign), inArray(message.id, sql`(${concerned(reminderIds, recipientKeys)})`)))
    .orderBy(message.id)
    .for('update')
}

/** Ids of the messages that hold these reminders, and of those that are live for these recipients, of any campaign. */
export function concerned(reminderIds: readonly string[], recipientKeys: readonly string[]): SQL {
  return sql`
    select ${reminder.messageId} from ${reminder} where ${among(reminder.id, reminderIds)} and ${isNull(reminder.outcome)}
    union
    select ${message.id} from ${message}
    where ${among(message.recipientKey, recipientKeys)} and ${message.state} in ('pending', 'sending')`
}

function pendingIds(messages: readonly MessageInMemory[]): string[] {
  return messages.filter((one) => one.state === 'pending').map((one) => one.id)
}

function openReminders(
  db: Database,
  campaign: string,
  ids: readonly string[],
  messageIds: readonly string[],
): Promise<ReminderInMemory[]> {
  const wanted = sql`(${among(reminder.id, ids)} or ${among(reminder.messageId, messageIds)})`
  return db
    .select({ id: reminder.id, messageId: reminder.messageId, stage: reminder.stage })
    .from(reminder)
    .where(and(eq(reminder.campaign, campaign), isNull(reminder.outcome), wanted))
}
