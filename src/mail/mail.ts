import type { Deadline } from '#core/clock.ts'
import type { Instant } from '#core/instant.ts'
import type { Edition, LetterValues } from '#core/letter.ts'
import type { Outcome, SesQuota } from '#core/outcome.ts'

/** A mail ready to go. */
export interface ComposedMail {
  readonly subject: string
  readonly html: string
  readonly text: string
  /** The MIME message: 7-bit, lines under 1,000 characters. */
  readonly raw: Uint8Array
}

/** Makes mails of editions. Pure in its result; throws when a value that the template needs is missing. */
export interface Composer {
  compose(edition: Edition, values: LetterValues): ComposedMail
}

/** The end of one SES call. SES's own texts are not in it: they quote addresses. */
export interface Answer {
  readonly outcome: Outcome
  /** SES's message id; given when accepted. */
  readonly sesId: string | null
  /** SES's or the network's error code, e.g. `MessageRejected`, `ECONNREFUSED`. */
  readonly code: string | null
  readonly requestId: string | null
  /** True when `throttled` means that the day's quota is used up. */
  readonly quotaUsedUp: boolean
  /** True when SES could not be reached at all, as opposed to our own refusal to call. */
  readonly unreachable: boolean
  /** When the request was handed to the network; null when it was not. Wall clock. */
  readonly beganAt: Instant | null
  readonly endedAt: Instant
}

/** One mail as SES gets it. */
export interface SesMail {
  readonly raw: Uint8Array
  readonly source: string
  readonly destination: string
  readonly configurationSet: string | null
  /** Values of `[A-Za-z0-9_-]`. */
  readonly tags: { readonly message: string; readonly campaign: string; readonly stage: string }
}

/** Amazon SES. `send` never throws and never retries; only `jobs/send.ts` calls it, with a claim in hand. */
export interface Mailer {
  /** The call begins before `callBy` or not at all. */
  send(mail: SesMail, callBy: Deadline, signal: AbortSignal): Promise<Answer>
  /** Throws when SES gives no quota. */
  quota(signal: AbortSignal): Promise<SesQuota>
  close(): void
}

/** When one call may begin. */
export interface Slot {
  /** True once the slot is too old to be used: the caller gives it up. */
  expired(): boolean
}

/** Hands out the moments at which calls may begin, over all processes never faster than told. */
export interface Pace {
  /** Waits for a slot; null when none is to be had now (a hold, the day's quota, the end of the process). */
  slot(signal: AbortSignal): Promise<Slot | null>
}
