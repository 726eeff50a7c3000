import { type Hold, probeEveryMs } from '#core/hold.ts'
import type { Instant } from '#core/instant.ts'
import { quotaRoom, type Ramp, type RatePolicy, rampFactor, rateLimit, spacingShare } from '#core/pace.ts'
import type { Reservation } from './ledger.ts'

/** What all processes together know of when the next call may begin, in database time. */
export interface Pacing {
  /** With a fraction: slots may lie closer than a millisecond. */
  readonly nextSlotAt: Instant
  readonly resumeRamp: Ramp | null
  readonly throttledRamp: Ramp | null
  readonly hold: Hold | null
  readonly sesRatePerSecond: number | null
  /** null: not known, or unlimited */
  readonly quotaMax24Hour: number | null
  readonly quotaUsed: number | null
}

/** An answer, and the pacing to go on from: the same object when nothing was taken. */
interface Step {
  readonly reservation: Reservation
  readonly pacing: Pacing
}

/** Slots are reserved this far ahead and no further, so that a hold or a slower pace takes effect at once. */
const aheadMs = 100

/** Nobody waits longer before asking again: limit, quota and hold may have changed meanwhile. */
const longestWaitMs = 30_000

/** Reserves at most `wanted` slots of the next 100 ms; under a hold, one slot per probe; beyond the day's quota, none. */
export function reserveSlots(before: Pacing, wanted: number, policy: RatePolicy, databaseAt: Instant): Step {
  const { quotaMax24Hour: max24Hour, quotaUsed: used } = before
  const room = quotaRoom(max24Hour === null ? null : { max24Hour, used: used ?? 0 }, policy)
  // No probes here: only SES's own figure can tell that there is room again.
  if (room < 1) return { reservation: { kind: 'hold', cause: 'quota', waitMs: longestWaitMs }, pacing: before }

  const spacingMs = spacing(before, policy, databaseAt)
  if (spacingMs === Number.POSITIVE_INFINITY) {
    return { reservation: { kind: 'wait', waitMs: longestWaitMs }, pacing: before }
  }
  const pacing = drawnNear(before, spacingMs, databaseAt)
  if (pacing.hold !== null) return reserveProbe(pacing, pacing.hold, spacingMs, databaseAt)
  return reserveEvenly(pacing, Math.min(wanted, room), spacingMs, databaseAt)
}

/**
 * A slot or probe further off than one can be has been left behind by a limit that has risen, or by a clock that was set back. The
 * last slot taken lies at most `aheadMs` from now.
 */
function drawnNear(pacing: Pacing, spacingMs: number, databaseAt: Instant): Pacing {
  const nextSlotAt = Math.min(pacing.nextSlotAt, databaseAt + aheadMs + spacingMs)
  const nextProbeAt = Math.min(pacing.hold?.nextProbeAt ?? 0, databaseAt + probeEveryMs)
  if (nextSlotAt === pacing.nextSlotAt && nextProbeAt === (pacing.hold?.nextProbeAt ?? 0)) return pacing
  return { ...pacing, nextSlotAt, hold: pacing.hold && { ...pacing.hold, nextProbeAt } }
}

function reserveEvenly(pacing: Pacing, wanted: number, spacingMs: number, databaseAt: Instant): Step {
  // Time that nobody used is not saved up.
  let nextSlotAt = Math.max(pacing.nextSlotAt, databaseAt)
  const slots: Instant[] = []
  while (slots.length < wanted && nextSlotAt < databaseAt + aheadMs) {
    slots.push(nextSlotAt)
    nextSlotAt += spacingMs
  }
  if (slots.length === 0) return { reservation: { kind: 'wait', waitMs: untilNear(nextSlotAt, databaseAt) }, pacing }

  const quotaUsed = pacing.quotaUsed === null ? null : pacing.quotaUsed + slots.length
  return { reservation: { kind: 'slots', databaseAt, slots }, pacing: { ...pacing, nextSlotAt, quotaUsed } }
}

function reserveProbe(pacing: Pacing, hold: Hold, spacingMs: number, databaseAt: Instant): Step {
  const slotAt = Math.max(pacing.nextSlotAt, hold.nextProbeAt, databaseAt)
  const probe = reserveEvenly({ ...pacing, nextSlotAt: slotAt }, 1, spacingMs, databaseAt)
  if (probe.reservation.kind !== 'slots') {
    return { reservation: { kind: 'hold', cause: hold.cause, waitMs: untilNear(slotAt, databaseAt) }, pacing }
  }
  return { ...probe, pacing: { ...probe.pacing, hold: { ...hold, nextProbeAt: slotAt + probeEveryMs } } }
}

/** Milliseconds between two slots; infinite at a limit of 0. */
function spacing(pacing: Pacing, policy: RatePolicy, at: Instant): number {
  const factor = rampFactor(pacing.resumeRamp, at) * rampFactor(pacing.throttledRamp, at)
  return 1000 / (spacingShare * factor * rateLimit(policy, pacing.sesRatePerSecond))
}

/** How long until an instant lies within the next 100 ms. */
function untilNear(at: Instant, databaseAt: Instant): number {
  return Math.min(Math.max(Math.floor(at - databaseAt - aheadMs) + 1, 1), longestWaitMs)
}
