import type { Hold } from './hold.ts'
import type { Instant } from './instant.ts'

/** A passing slow-down: the limit is multiplied by a factor that grows evenly from `factor` to 1 between two instants. */
export interface Ramp {
  readonly factor: number
  readonly fromAt: Instant
  readonly untilAt: Instant
}

/** What operators set: calls per second (null: as SES allows), and the share of SES's rate and quota left to others. */
export interface RatePolicy {
  readonly perSecond: number | null
  readonly reserve: number
}

/** Slots are spaced for this share of the limit, so that calls that bunch a little stay under it. */
export const spacingShare = 0.98

/** Until SES has told its rate: that of a new account. */
export const unknownSesRatePerSecond = 1

/** Calls per second allowed by the operator and by SES's rate (null: not known). */
export function rateLimit(policy: RatePolicy, sesRatePerSecond: number | null): number {
  const sesShare = sesRatePerSecond === null ? null : sesRatePerSecond * (1 - policy.reserve)
  if (policy.perSecond === null) return sesShare ?? unknownSesRatePerSecond
  return sesShare === null ? policy.perSecond : Math.min(policy.perSecond, sesShare)
}

/** SES's daily quota in recipients, and how much of it is used. */
export interface Quota {
  readonly max24Hour: number
  readonly used: number
  /** When SES was asked last. */
  readonly askedAt: Instant
}

/** Mails that the day's quota leaves to us, the reserve being left to others; null: unlimited, or not known. */
export function quotaRoom(quota: Pick<Quota, 'max24Hour' | 'used'> | null, policy: RatePolicy): number {
  if (quota === null) return Number.POSITIVE_INFINITY
  return Math.floor(quota.max24Hour * (1 - policy.reserve) - quota.used)
}

/** SES is asked for its quota this often. */
export const quotaEveryMs = 60_000

/** The hold in force: the one that SES's answers began, or our share of the day's quota used up, which ends when SES says so. */
export function holdInForce(state: { hold: Hold | null; quota: Quota | null }, policy: RatePolicy): Hold | null {
  const { hold, quota } = state
  if (quota === null || quotaRoom(quota, policy) >= 1) return hold
  return { cause: 'quota', since: quota.askedAt, nextProbeAt: quota.askedAt + quotaEveryMs }
}

/** The factor of a ramp at an instant: `factor` at its start, 1 at its end and after. */
export function rampFactor(ramp: Ramp | null, at: Instant): number {
  if (ramp === null || at >= ramp.untilAt) return 1
  if (at <= ramp.fromAt) return ramp.factor
  return ramp.factor + ((1 - ramp.factor) * (at - ramp.fromAt)) / (ramp.untilAt - ramp.fromAt)
}

/** How long a slow-down after throttling takes to fade. */
export const throttledRampMs = 60_000

/** The slow-down after SES throttled: half of the present speed, never under a tenth, fading over a minute. */
export function slowDown(current: Ramp | null, at: Instant): Ramp {
  return { factor: Math.max(0.1, rampFactor(current, at) / 2), fromAt: at, untilAt: at + throttledRampMs }
}
