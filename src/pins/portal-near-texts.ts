import { type Instant, isoInstant } from '#core/instant.ts'

/** No offset is wider than 14 hours; one more, since the texts are compared by the minute. */
const widestOffsetMs = 15 * 3_600_000
const year10000At = Date.UTC(10_000, 0, 1)

/**
 * All instants from the one to the other, in ISO 8601 with whatever offset, stand between these texts by their bytes: what an
 * index on the texts can find.
 */
export function nearTexts(fromAt: Instant, untilAt: Instant): [string, string] {
  const [from, until] = [fromAt - widestOffsetMs, untilAt + widestOffsetMs]
  // Longer years begin with a sign, which stands before all digits.
  return [isoInstant(from).slice(0, 16), until >= year10000At ? ':' : isoInstant(until).slice(0, 16)]
}
