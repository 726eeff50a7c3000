import { randomUUID } from 'node:crypto'

import type { Instant } from '#core/instant.ts'

import type { Mail } from './mails.ts'
import type { Tag } from './query.ts'

/** One call of the inbox's SES endpoint, good or bad, from the moment its headers came. */
export interface Call {
  /** 1 for the first call since the start, and on, in order of beginning. */
  readonly number: number
  readonly requestId: string
  readonly begunAt: Instant
  endedAt: Instant | null
  /** Null until the body is in. */
  action: string | null
  to: readonly string[]
  tags: readonly Tag[]
  /** The value of the tag `message`. */
  message: string | null
  configurationSet: string | null
  /** True from the moment the message is stored, whatever the caller is told then. */
  accepted: boolean
  messageId: string | null
  /** The fault that was played, besides latency. */
  fault: string | null
  /** How it ended for the caller: null while open, `ok`, SES's error code, or `cut`, `hung`, `gone` (the caller left first), … */
  outcome: string | null
  /** HTTP status that was written, if any. */
  status: number | null
}

/** The log of calls, in order of beginning; beyond `max` the oldest go, and `dropped` counts them. */
export class Calls {
  dropped = 0
  /** Calls whose message was stored, and calls without an end, since the start. */
  accepted = 0
  open = 0
  readonly #max: number
  #begun = 0
  #log: Call[] = []

  constructor(max: number) {
    this.#max = max
  }

  begin(begunAt: Instant): Call {
    const call: Call = {
      number: ++this.#begun,
      requestId: randomUUID(),
      begunAt,
      endedAt: null,
      action: null,
      to: [],
      tags: [],
      message: null,
      configurationSet: null,
      accepted: false,
      messageId: null,
      fault: null,
      outcome: null,
      status: null,
    }
    this.open++
    this.#log.push(call)
    // Dropping in big steps keeps a long log cheap.
    if (this.#log.length > this.#max * 1.1) this.dropped += this.#log.splice(0, this.#log.length - this.#max).length
    return call
  }

  accept(call: Call, messageId: string): void {
    call.accepted = true
    call.messageId = messageId
    this.accepted++
  }

  /** The first end counts; a caller that leaves after its answer changes nothing. */
  end(call: Call, endedAt: Instant, outcome: string, status: number | null): void {
    if (call.endedAt !== null) return
    call.endedAt = endedAt
    call.outcome = outcome
    call.status = status
    this.open--
  }

  /** In order of beginning. */
  list(): readonly Call[] {
    return this.#log
  }

  where(fits: (call: Call) => boolean): Call[] {
    return this.#log.filter(fits)
  }

  get begun(): number {
    return this.#begun
  }
}

/** Whether the call sent this mail, or tried to send the same message. */
export function isAbout(call: Call, mail: Mail): boolean {
  if (call.messageId === mail.id) return true
  return call.message !== null && mail.tags.some((tag) => tag.name === 'message' && tag.value === call.message)
}
