import { type Instant, isoInstant } from '#core/instant.ts'

/** An instant for JSON; null stays null. */
export function isoOrNull(at: Instant | null): string | null {
  return at === null ? null : isoInstant(at)
}

/** An instant for people, to the second: when something happened. */
export function secondText(at: Instant): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** An instant for people, to the minute: when something is to happen. */
export function minuteText(at: Instant): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** A length of time for people, in the largest unit of which there are at least two. */
export function spanText(seconds: number): string {
  const units = [
    [86_400, 'days'],
    [3_600, 'h'],
    [60, 'min'],
  ] as const
  const [size, name] = units.find(([unit]) => seconds >= 2 * unit) ?? [1, 's']
  return `${Math.round(seconds / size)} ${name}`
}
