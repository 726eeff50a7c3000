import { type Instant, isoInstant } from '#core/instant.ts'

/** An instant for JSON; null stays null. */
export function isoOrNull(at: Instant | null): string | null {
  return at === null ? null : isoInstant(at)
}

/** An instant for people: to the minute, with the zone. */
export function minuteText(at: Instant | null): string {
  return at === null ? '–' : `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
