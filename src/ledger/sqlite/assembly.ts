import { and, eq, exists, isNull, or, sql } from 'drizzle-orm'
import type { Stage } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import type { AssemblyTables } from '../assemble-page.ts'
import type { Connection } from './connection.ts'
import { message, reminder } from './schema.ts'

/** The tables of an assembly as prepared statements, which run inside the caller's transaction. */
export function assemblyTables(statements: Statements, campaign: string, at: Instant): AssemblyTables {
  return {
    skip: (id, reason) => statements.skip.get({ id, reason, campaign, at }),
    live: (recipientKey) => statements.live.all({ campaign, recipientKey }),
    free: (id) => statements.free.get({ id, campaign }),
    move: (id, to) => void statements.move.run({ id, ...to }),
    create: (one) => void statements.create.run({ ...one, campaign, at }),
    moveOpening: (id, to) => void statements.moveOpening.run({ id, ...to, at }),
    openStages: (id) => statements.openStages.all({ id }).map((row) => row.stage as Stage),
    empty: (id) => void statements.empty.run({ id, at }),
    rank: (id, rank) => void statements.rank.run({ id, ...rank, at }),
  }
}

type Statements = ReturnType<typeof prepareAssembly>

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
