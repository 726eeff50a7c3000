import { asc, sql } from 'drizzle-orm'
import type { Instant } from '#core/instant.ts'
import type { MessageState } from '#core/message-state.ts'
import type { Database } from './connection.ts'
import { among } from './given-rows.ts'
import { message, suppression } from './schema.ts'

export interface LockedMessage {
  readonly id: string
  readonly campaign: string
  readonly state: MessageState
  readonly recipientKey: string
  readonly notBefore: Instant
  readonly currentAttempt: number | null
  /** JSON: the buckets that the current claim counted in. */
  readonly counted: string | null
  /** No mail is to go to its recipient. */
  readonly suppressed: boolean
}

/** Locks messages in order of id until the transaction ends, and waits for none: those that others have locked are passed over. */
export async function lockMessages(
  db: Database,
  ids: readonly string[],
): Promise<{ messages: Map<string, LockedMessage>; passedOver: Set<string> }> {
  const locked = await db
    .select(columns)
    .from(message)
    .where(among(message.id, ids))
    .orderBy(asc(message.id))
    .for('update', { of: message, skipLocked: true })
  const messages = new Map(locked.map((one) => [one.id, one]))
  const missing = ids.filter((id) => !messages.has(id))
  return { messages, passedOver: missing.length === 0 ? new Set() : await existing(db, missing) }
}

async function existing(db: Database, ids: readonly string[]): Promise<Set<string>> {
  const found = await db.select({ id: message.id }).from(message).where(among(message.id, ids))
  return new Set(found.map(({ id }) => id))
}

const columns = {
  id: message.id,
  campaign: message.campaign,
  state: message.state,
  recipientKey: message.recipientKey,
  notBefore: message.notBefore,
  currentAttempt: message.currentAttempt,
  counted: message.counted,
  // Columns of a single table lose its name here: with an alias, it is clear whose they are.
  suppressed: sql<boolean>`exists (select from ${suppression} as s where s.recipient_key = message.recipient_key)`,
}
