/**
 * What an SES call's end means. `accepted`: 2xx with a message id · `refused`: for good, this message · `throttled`: later ·
 * `paused`, `set-up`: nothing can be sent until somebody acts · `not-sent`: it surely never reached SES · `unknown`: perhaps sent.
 */
export type Outcome = 'accepted' | 'refused' | 'throttled' | 'paused' | 'set-up' | 'not-sent' | 'unknown'

/** SES's limits for the account. `max24Hour` null: unlimited. */
export interface SesQuota {
  readonly max24Hour: number | null
  readonly maxPerSecond: number
  readonly sentLast24Hours: number
}
