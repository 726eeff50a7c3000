import type { Instant } from './instant.ts'

const minuteMs = 60_000
const maxOffsetMinutes = 14 * 60
const latestAt = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

const outside = 'is outside of the years 1970 to 9999'
const example = 'such as `2026-12-31T17:00:00+01:00`'
const shape = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)$/

/**
 * Reads an instant in ISO 8601 with `Z` or an offset, of the years 1970 to 9999 in UTC; what is finer than a millisecond is cut
 * off. Days that no calendar has, 24:00 and leap seconds are problems, not corrected.
 */
export function parseInstant(text: string): { readonly at: Instant } | { readonly problem: string } {
  const match = shape.exec(text)
  if (match === null) return { problem: problemOfShape(text) }
  const [, year, month, day, hour, minute, second = '0', fraction = '', offset = 'Z'] = match

  // An offset can bring the last hours of 1969 into 1970, but nothing earlier.
  if (Number(year) < 1969) return { problem: outside }
  const midnight = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  // Date.UTC carries 31 February over into March.
  if (midnight.getUTCMonth() !== Number(month) - 1 || midnight.getUTCDate() !== Number(day)) {
    return { problem: `${year}-${month}-${day} is no day of the calendar` }
  }
  if (Number(hour) > 23) return { problem: 'has an hour after 23' }
  if (Number(minute) > 59) return { problem: 'has a minute after 59' }
  if (Number(second) > 59) return { problem: 'has a second after 59 (leap seconds are not accepted)' }
  const offsetMinutes = minutesOf(offset)
  if (offsetMinutes === null) return { problem: 'has an offset that no place has; expected -14:00 to +14:00' }

  const milliseconds = Number(fraction.padEnd(3, '0').slice(0, 3))
  const minutes = Number(hour) * 60 + Number(minute) - offsetMinutes
  const at = midnight.getTime() + minutes * minuteMs + Number(second) * 1000 + milliseconds
  if (at < 0 || at > latestAt) return { problem: outside }
  return { at }
}

function problemOfShape(text: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return `has no time and no offset; expected an instant ${example}`
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text)) {
    return 'has no offset; expected `Z` or an offset such as `+01:00` at its end'
  }
  return `is not an instant in ISO 8601 with an offset or \`Z\`, ${example}`
}

function minutesOf(offset: string): number | null {
  if (offset === 'Z') return 0
  const hours = Number(offset.slice(1, 3))
  const minutes = Number(offset.slice(3).replace(':', ''))
  const total = hours * 60 + minutes
  if (minutes > 59 || total > maxOffsetMinutes) return null
  return offset.startsWith('-') ? -total : total
}
