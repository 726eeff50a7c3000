import type { NextTick } from './forecast.ts'
import type { Instant } from './instant.ts'

/** The same answers, each looked up once: to read a cron line costs a fifth of a millisecond, and a forecast asks for every PIN. */
export function rememberedTicks(nextTick: NextTick): NextTick {
  /** In order; and since when each is known to be the next one. */
  const ticks: Instant[] = []
  const since: Instant[] = []
  return (at) => {
    const place = placeOf(ticks, at)
    const known = ticks[place]
    if (known !== undefined && at >= (since[place] ?? known)) return known

    const tick = nextTick(at)
    const isKnown = tick === known ? 1 : 0
    ticks.splice(place, isKnown, tick)
    since.splice(place, isKnown, at)
    return tick
  }
}

/** Of the first one that is not below. */
function placeOf(ascending: readonly number[], at: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] ?? at) < at) low = middle + 1
    else high = middle
  }
  return low
}
