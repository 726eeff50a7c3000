import { Temporal } from 'temporal-polyfill'
import type { Instant } from './instant.ts'

/** A stretch of time, `[fromAt, toAt)`, in which a zone's clocks keep one distance from UTC. */
export interface OffsetSpan {
  readonly fromAt: Instant
  readonly toAt: Instant
  readonly offsetMs: number
}

/**
 * The span of the zone (IANA) that contains `at`. Spans are remembered, so that a scan asks the zone database a few
 * times per zone and does the rest by arithmetic. Throws a RangeError for a zone that does not exist.
 */
export function offsetSpanAt(at: Instant, timeZone: string): OffsetSpan {
  const known = spansByZone.get(timeZone)
  const found = known?.find((span) => at >= span.fromAt && at < span.toAt)
  if (found !== undefined) return found

  const span = lookUp(at, timeZone)
  remember(span, timeZone, known ?? [])
  return span
}

/** More names than the zone database has, and more changes than a campaign's reach can meet. */
const rememberedZones = 1_000
const rememberedSpans = 32

const spansByZone = new Map<string, OffsetSpan[]>()

function remember(span: OffsetSpan, timeZone: string, known: OffsetSpan[]): void {
  if (known.length === 0 && spansByZone.size >= rememberedZones) spansByZone.clear()
  if (known.length >= rememberedSpans) known.length = 0
  known.push(span)
  spansByZone.set(timeZone, known)
}

function lookUp(at: Instant, timeZone: string): OffsetSpan {
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone)
  // "previous" means strictly before, and a change at `at` itself begins this span.
  const previous = local.add({ milliseconds: 1 }).getTimeZoneTransition('previous')
  const next = local.getTimeZoneTransition('next')
  return {
    fromAt: previous?.epochMilliseconds ?? Number.NEGATIVE_INFINITY,
    toAt: next?.epochMilliseconds ?? Number.POSITIVE_INFINITY,
    offsetMs: local.offsetNanoseconds / 1e6,
  }
}
