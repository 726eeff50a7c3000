import { randomUUID } from 'node:crypto'

import type { Instant } from '#core/instant.ts'

import type { Tag } from './query.ts'

/** A message that the inbox accepted, exactly as it came. */
export interface Mail {
  /** The MessageId that the sender was told. */
  readonly id: string
  /** 1 for the first mail since the start, and on; clearing does not reset it. */
  readonly number: number
  readonly at: Instant
  /** Envelope: the sender as given (may be empty: then SES takes the From header), and the recipients. */
  readonly source: string
  readonly to: readonly string[]
  readonly tags: readonly Tag[]
  readonly configurationSet: string | null
  readonly raw: Buffer
}

/** The mails that are kept, in order of arrival; beyond `max` the oldest go, and `dropped` counts them. */
export class Mails {
  dropped = 0
  readonly #max: number
  readonly #kept = new Map<string, Mail>()
  #accepted = 0

  constructor(max: number) {
    this.#max = max
  }

  add(mail: Omit<Mail, 'id' | 'number'>): Mail {
    const stored = { ...mail, id: messageId(mail.at), number: ++this.#accepted }
    this.#kept.set(stored.id, stored)
    if (this.#kept.size > this.#max) this.#dropOldest()
    return stored
  }

  /** Oldest first. */
  list(): Mail[] {
    return [...this.#kept.values()]
  }

  byId(id: string): Mail | undefined {
    return this.#kept.get(id)
  }

  /** Mails of which `address` (in any case) is a recipient, oldest first. */
  to(address: string): Mail[] {
    const wanted = address.toLowerCase()
    return this.list().filter((mail) => mail.to.some((recipient) => recipient.toLowerCase() === wanted))
  }

  get size(): number {
    return this.#kept.size
  }

  clear(): void {
    this.#kept.clear()
    this.dropped = 0
  }

  #dropOldest(): void {
    const [oldest] = this.#kept.keys()
    if (oldest === undefined) return
    this.#kept.delete(oldest)
    this.dropped++
  }
}

/** An id of the shape of SES's: milliseconds in 16 hex digits, a UUID, and a counter. */
function messageId(at: Instant): string {
  return `${Math.max(0, Math.floor(at)).toString(16).padStart(16, '0')}-${randomUUID()}-000000`
}
