import type { Instant } from './instant.ts'

/** The clocks of a process. They come in from outside, so that tests and `--at` can set them. */
export interface Clocks {
  /** Business time: decides stages, windows and caps, and stands in texts. `--at` sets it. */
  business(): Instant
  /** The machine's own time of day; never simulated. */
  wall(): Instant
  /** Milliseconds that only ever go forward, from an arbitrary start. */
  monotonicMs(): number
}

/**
 * A moment after which something must not begin any more, by two clocks: the monotonic one cannot be set back, the
 * wall clock goes on while a machine sleeps.
 */
export interface Deadline {
  readonly monotonicMs: number
  readonly wallAt: Instant
}

/** The moment `ms` from now. */
export function deadlineIn(ms: number, clocks: Clocks): Deadline {
  return { monotonicMs: clocks.monotonicMs() + ms, wallAt: clocks.wall() + ms }
}

/** True from the deadline's moment on, by either clock. */
export function passed(deadline: Deadline, clocks: Clocks): boolean {
  return clocks.monotonicMs() >= deadline.monotonicMs || clocks.wall() >= deadline.wallAt
}
