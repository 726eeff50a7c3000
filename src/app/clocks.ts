import type { Clocks } from '#core/clock.ts'
import type { Instant } from '#core/instant.ts'

/** The machine's clocks. With `at`, business time starts there and goes on from it. */
export function systemClocks(at?: Instant): Clocks {
  const startedMs = performance.now()
  const wall = (): Instant => Date.now()
  const monotonicMs = (): number => performance.now()
  const business = at === undefined ? wall : (): Instant => at + Math.floor(performance.now() - startedMs)
  return { business, wall, monotonicMs }
}
