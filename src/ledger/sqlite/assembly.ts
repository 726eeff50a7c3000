import { randomBytes } from 'node:crypto'
import { and, eq, exists, isNull, or, sql } from 'drizzle-orm'
import type { Draft } from '#core/assembly.ts'
import type { Stage } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import { formatReference } from '#core/reference.ts'
import { mostUrgent, priorityOf } from '#core/stages.ts'
import { ulid } from '#core/ulid.ts'
import type { AssemblyResult, PlanBook, WaitReason } from '../ledger.ts'
import type { Connection } from './connection.ts'
import { countSkips } from './count-skips.ts'
import { message, reminder } from './schema.ts'

/** Decides a page's skips and puts its drafts into messages, inside the caller's transaction. See PlanBook. */
export function assemblePage(
  statements: Statements,
  campaign: string,
  page: Parameters<PlanBook['assemble']>[1],
  { at, databaseAt }: { at: Instant; databaseAt: Instant },
): AssemblyResult {
  const assembly: Assembly = { campaign, at, databaseAt, statements, changed: new Set() }
  const decided = page.skips.filter((skip) => decideSkip(assembly, skip))
  const placed = page.drafts.map((draft) => place(assembly, draft))
  const emptied = [...assembly.changed].filter((id) => summarize(assembly, id) === 'skipped')
  return {
    created: placed.filter((one) => one.kind === 'created').length,
    joined: placed.filter((one) => one.kind === 'joined').length,
    waiting: placed.reduce((sum, one) => sum + (one.kind === 'waits' ? one.reminders : 0), 0),
    skipped: countSkips(decided.map((skip) => skip.reason)),
    emptied: emptied.length,
  }
}

type Statements = ReturnType<typeof prepareAssembly>

interface Assembly {
  readonly campaign: string
  readonly at: Instant
  readonly databaseAt: Instant
  readonly statements: Statements
  /** Pending messages that gained or lost reminders on this page. */
  readonly changed: Set<string>
}

function decideSkip(assembly: Assembly, skip: { id: string; reason: string }): boolean {
  const { statements, campaign, at, changed } = assembly
  const decided = statements.skip.get({ ...skip, campaign, at })
  if (decided?.messageId) changed.add(decided.messageId)
  return decided !== undefined
}

type Placed = { kind: 'created' } | { kind: 'joined' } | { kind: 'waits'; reminders: number } | { kind: 'unchanged' }

function place(assembly: Assembly, draft: Draft): Placed {
  const { statements, campaign, changed } = assembly
  const live = statements.live.all({ campaign, recipientKey: draft.recipientKey })
  // Two can be pending when a doubt was settled for another try: the older takes all.
  const home = live.find((one) => one.state === 'pending')
  if (home !== undefined) moveOpening(assembly, home, draft)

  const free = draft.reminders.map(({ id }) => statements.free.get({ id, campaign })).filter((one) => one !== undefined)
  const arriving = free.filter((one) => one.messageId !== home?.id)
  if (arriving.length === 0) return { kind: 'unchanged' }
  for (const { messageId } of arriving) if (messageId !== null) changed.add(messageId)

  // Also those that wait leave a message to another address: nothing goes to the old one.
  const waits = live.some((one) => one.state === 'sending')
  const messageId = waits ? null : (home?.id ?? create(assembly, draft, arriving))
  for (const { id } of arriving) statements.move.run({ id, messageId, recipientKey: draft.recipientKey })
  if (messageId === null) return { kind: 'waits', reminders: arriving.length }
  if (home === undefined) return { kind: 'created' }
  changed.add(home.id)
  return { kind: 'joined' }
}

interface Home {
  readonly id: string
  readonly notBefore: Instant
  readonly notAfter: Instant | null
  readonly wait: string | null
}

/** A message that did not go out in its opening waits for the next; one that waits for a window that opens earlier by now, for that. */
function moveOpening({ statements, at }: Assembly, home: Home, draft: Draft): void {
  const missed = home.notAfter !== null && home.notAfter <= at
  const opensEarlier = home.wait === 'window' && draft.notBefore < home.notBefore
  if (!missed && !opensEarlier) return
  const { notBefore, notAfter } = draft
  statements.moveOpening.run({ id: home.id, notBefore, notAfter, wait: waitFor(notBefore, at), at })
}

function create(assembly: Assembly, draft: Draft, reminders: readonly { stage: string }[]): string {
  const { campaign, at, databaseAt, statements } = assembly
  const { recipientKey, address, locale, timeZone, notBefore, notAfter } = draft
  const id = ulid(databaseAt, randomBytes(10))
  const reference = formatReference(randomBytes(7))
  const stage = mostUrgent(reminders.map((one) => one.stage as Stage))
  statements.create.run({
    id,
    campaign,
    reference,
    recipientKey,
    address,
    locale,
    timeZone,
    notBefore,
    notAfter,
    wait: waitFor(notBefore, at),
    stage,
    priority: priorityOf(stage),
    at,
  })
  return id
}

function waitFor(notBefore: Instant, at: Instant): WaitReason | null {
  return notBefore > at ? 'window' : null
}

/** Makes a pending message agree with the open reminders that it holds now; one without any has nothing to say. */
function summarize({ statements, at }: Assembly, id: string): 'skipped' | 'pending' {
  const stages = statements.openStages.all({ id }).map((row) => row.stage as Stage)
  if (stages.length === 0) {
    statements.empty.run({ id, at })
    return 'skipped'
  }
  const stage = mostUrgent(stages)
  statements.rank.run({ id, stage, priority: priorityOf(stage), at })
  return 'pending'
}

export function prepareAssembly({ db }: Connection) {
  const given = sql.placeholder
  const inPendingMessage = exists(
    db
      .select({ one: sql`1` })
      .from(message)
      .where(and(eq(message.id, reminder.messageId), eq(message.state, 'pending'))),
  )
  /** The reminder, while it is open and not in a message that is untouchable. */
  const free = and(
    eq(reminder.id, given('id')),
    eq(reminder.campaign, given('campaign')),
    isNull(reminder.outcome),
    or(isNull(reminder.messageId), inPendingMessage),
  )
  const pending = and(eq(message.id, given('id')), eq(message.state, 'pending'))
  const number = (name: string) => sql<number>`${given(name)}`
  const text = (name: string) => sql<string>`${given(name)}`

  return {
    skip: db
      .update(reminder)
      .set({ outcome: 'skipped', reason: text('reason'), decidedAt: number('at') })
      .where(free)
      .returning({ messageId: reminder.messageId })
      .prepare(),
    live: db
      .select({
        id: message.id,
        state: message.state,
        notBefore: message.notBefore,
        notAfter: message.notAfter,
        wait: message.wait,
      })
      .from(message)
      .where(
        and(
          eq(message.recipientKey, given('recipientKey')),
          // The `+` keeps SQLite from reading all that the campaign has pending; the rest is as in the index, word for word.
          sql`+${message.campaign} = ${given('campaign')}`,
          sql`${message.state} in ('pending', 'sending')`,
        ),
      )
      .orderBy(message.id)
      .prepare(),
    free: db
      .select({ id: reminder.id, messageId: reminder.messageId, stage: reminder.stage })
      .from(reminder)
      .where(free)
      .prepare(),
    move: db
      .update(reminder)
      .set({ messageId: text('messageId'), recipientKey: text('recipientKey') })
      .where(eq(reminder.id, given('id')))
      .prepare(),
    create: db
      .insert(message)
      .values({
        id: given('id'),
        campaign: given('campaign'),
        address: given('address'),
        recipientKey: given('recipientKey'),
        locale: given('locale'),
        timeZone: given('timeZone'),
        stage: given('stage'),
        priority: given('priority'),
        notBefore: given('notBefore'),
        notAfter: given('notAfter'),
        wait: given('wait'),
        state: 'pending',
        reference: given('reference'),
        createdAt: given('at'),
        updatedAt: given('at'),
      })
      .prepare(),
    moveOpening: db
      .update(message)
      .set({
        notBefore: number('notBefore'),
        notAfter: number('notAfter'),
        wait: text('wait'),
        updatedAt: number('at'),
      })
      .where(pending)
      .prepare(),
    openStages: db
      .selectDistinct({ stage: reminder.stage })
      .from(reminder)
      .where(and(eq(reminder.messageId, given('id')), isNull(reminder.outcome)))
      .prepare(),
    empty: db
      .update(message)
      .set({ state: 'skipped', updatedAt: number('at') })
      .where(pending)
      .prepare(),
    rank: db
      .update(message)
      .set({ stage: text('stage'), priority: number('priority'), updatedAt: number('at') })
      .where(pending)
      .prepare(),
  }
}
