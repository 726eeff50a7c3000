import { randomBytes } from 'node:crypto'
import type { Assembly, Draft } from '#core/assembly.ts'
import type { Stage } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import { formatReference } from '#core/reference.ts'
import type { SkipReason } from '#core/reminder.ts'
import { countSkips } from '#core/reminder.ts'
import { mostUrgent, priorityOf } from '#core/stages.ts'
import { ulid } from '#core/ulid.ts'
import type { AssemblyResult, WaitReason } from './ledger.ts'

/**
 * The reminders and messages of one campaign, inside a transaction. A reminder is free while it is open and in no message
 * that is untouchable; what is not free is as if it were not there.
 */
export interface AssemblyTables {
  /** Decides a free reminder; gives the message that it was in. undefined: it is not free. */
  skip(id: string, reason: SkipReason): { readonly messageId: string | null } | undefined
  /** The recipient's messages that are `pending` or `sending`, by id. */
  live(recipientKey: string): readonly LiveMessage[]
  free(id: string): FreeReminder | undefined
  move(id: string, to: { messageId: string | null; recipientKey: string }): void
  create(message: NewMessage): void
  moveOpening(messageId: string, to: Opening): void
  /** Stages of the open reminders in a message. */
  openStages(messageId: string): readonly Stage[]
  /** A pending message without reminders becomes `skipped`. */
  empty(messageId: string): void
  rank(messageId: string, rank: Rank): void
}

interface Opening {
  readonly notBefore: Instant
  readonly notAfter: Instant | null
  readonly wait: WaitReason | null
}

interface Rank {
  readonly stage: Stage
  readonly priority: number
}

interface LiveMessage extends Omit<Opening, 'wait'> {
  readonly id: string
  readonly state: string
  readonly wait: string | null
}

export interface FreeReminder {
  readonly id: string
  readonly messageId: string | null
  readonly stage: string
}

export interface NewMessage extends Opening, Rank, Pick<Draft, 'recipientKey' | 'address' | 'locale' | 'timeZone'> {
  readonly id: string
  readonly reference: string
}

/** Decides a page's skips and puts its drafts into messages, inside the caller's transaction. See PlanBook. */
export function assemblePage(
  tables: AssemblyTables,
  page: Assembly,
  { at, databaseAt }: { at: Instant; databaseAt: Instant },
): AssemblyResult {
  const assembling: Assembling = { tables, at, databaseAt, changed: new Set() }
  const decided = page.skips.filter((skip) => decideSkip(assembling, skip))
  const placed = page.drafts.map((draft) => place(assembling, draft))
  const emptied = [...assembling.changed].filter((id) => summarize(assembling, id) === 'skipped')
  return {
    created: placed.filter((one) => one.kind === 'created').length,
    joined: placed.filter((one) => one.kind === 'joined').length,
    waiting: placed.reduce((sum, one) => sum + (one.kind === 'waits' ? one.reminders : 0), 0),
    skipped: countSkips(decided.map((skip) => skip.reason)),
    emptied: emptied.length,
  }
}

interface Assembling {
  readonly tables: AssemblyTables
  readonly at: Instant
  readonly databaseAt: Instant
  /** Pending messages that gained or lost reminders on this page. */
  readonly changed: Set<string>
}

function decideSkip({ tables, changed }: Assembling, { id, reason }: Assembly['skips'][number]): boolean {
  const decided = tables.skip(id, reason)
  if (decided?.messageId) changed.add(decided.messageId)
  return decided !== undefined
}

type Placed = { kind: 'created' } | { kind: 'joined' } | { kind: 'waits'; reminders: number } | { kind: 'unchanged' }

function place(assembling: Assembling, draft: Draft): Placed {
  const { tables, changed } = assembling
  const { recipientKey } = draft
  const live = tables.live(recipientKey)
  // Two can be pending when a doubt was settled for another try: the older takes all.
  const home = live.find((one) => one.state === 'pending')
  if (home !== undefined) moveOpening(assembling, home, draft)

  const free = draft.reminders.map(({ id }) => tables.free(id)).filter((one) => one !== undefined)
  const arriving = free.filter((one) => one.messageId !== home?.id)
  if (arriving.length === 0) return { kind: 'unchanged' }
  for (const { messageId } of arriving) if (messageId !== null) changed.add(messageId)

  // Also those that wait leave a message to another address: nothing goes to the old one.
  const waits = live.some((one) => one.state === 'sending')
  const messageId = waits ? null : (home?.id ?? create(assembling, draft, arriving))
  for (const { id } of arriving) tables.move(id, { messageId, recipientKey })
  if (messageId === null) return { kind: 'waits', reminders: arriving.length }
  if (home === undefined) return { kind: 'created' }
  changed.add(home.id)
  return { kind: 'joined' }
}

/** A message that did not go out in its opening waits for the next; one that waits for a window that opens earlier by now, for that. */
function moveOpening({ tables, at }: Assembling, home: LiveMessage, { notBefore, notAfter }: Draft): void {
  const missed = home.notAfter !== null && home.notAfter <= at
  const opensEarlier = home.wait === 'window' && notBefore < home.notBefore
  if (missed || opensEarlier) tables.moveOpening(home.id, { notBefore, notAfter, wait: waitFor(notBefore, at) })
}

function create({ tables, at, databaseAt }: Assembling, draft: Draft, reminders: readonly { stage: string }[]): string {
  const { recipientKey, address, locale, timeZone, notBefore, notAfter } = draft
  const id = ulid(databaseAt, randomBytes(10))
  const reference = formatReference(randomBytes(7))
  const rank = rankOf(reminders.map((one) => one.stage as Stage))
  const wait = waitFor(notBefore, at)
  tables.create({ id, reference, recipientKey, address, locale, timeZone, notBefore, notAfter, wait, ...rank })
  return id
}

function waitFor(notBefore: Instant, at: Instant): WaitReason | null {
  return notBefore > at ? 'window' : null
}

/** Makes a pending message agree with the open reminders that it holds now; one without any has nothing to say. */
function summarize({ tables }: Assembling, messageId: string): 'skipped' | 'pending' {
  const stages = tables.openStages(messageId)
  if (stages.length === 0) {
    tables.empty(messageId)
    return 'skipped'
  }
  tables.rank(messageId, rankOf(stages))
  return 'pending'
}

function rankOf(stages: readonly Stage[]): Rank {
  const stage = mostUrgent(stages)
  return { stage, priority: priorityOf(stage) }
}
