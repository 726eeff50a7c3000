import type { Instant } from './instant.ts'

/** Why forewarn pauses itself: SES's set-up, SES paused, the day's quota used up, SES not answering. */
export type HoldCause = 'set-up' | 'paused' | 'quota' | 'outage'

/** A pause that forewarn put on itself. One call at a time is let through at `nextProbeAt`; a good answer ends it. */
export interface Hold {
  readonly cause: HoldCause
  readonly since: Instant
  readonly nextProbeAt: Instant
}

/** What SES's last answers say of SES: the hold, if any, and how many calls in a row ended without an answer. */
export interface Health {
  readonly hold: Hold | null
  readonly unansweredInARow: number
}

/**
 * What one answer says of SES itself, beside its message: `good` ends every hold; `unanswered` counts towards an outage;
 * a cause begins a hold; `neutral` says nothing.
 */
export type Sign = 'good' | 'unanswered' | 'neutral' | Exclude<HoldCause, 'outage'>

/** A hold lets one call through this often. */
export const probeEveryMs = 30_000

/** So many calls in a row without an answer, over all workers, are an outage: doubts must not be made by the thousand. */
export const unansweredForOutage = 5

/** SES's health after one more answer, at database time `at`. */
export function healthAfter(health: Health, sign: Sign, at: Instant): Health {
  switch (sign) {
    case 'good':
      return { hold: null, unansweredInARow: 0 }
    case 'neutral':
      return health
    case 'unanswered': {
      const unansweredInARow = health.unansweredInARow + 1
      const outage = unansweredInARow >= unansweredForOutage
      return { hold: health.hold ?? (outage ? newHold('outage', at) : null), unansweredInARow }
    }
    default:
      return { hold: health.hold?.cause === sign ? health.hold : newHold(sign, at), unansweredInARow: 0 }
  }
}

function newHold(cause: HoldCause, at: Instant): Hold {
  return { cause, since: at, nextProbeAt: at + probeEveryMs }
}
