import { base32Digits, encodeBase32 } from './base32.ts'
import type { Instant } from './instant.ts'

const timeDigits = 10
const randomBytes = 10
/** The last instant that the 48 bits of a ULID can hold, in the year 10889. */
const latestAt = 2 ** 48 - 1

/**
 * A ULID: 48 bits of time, then 80 random bits, in 26 digits that sort as the instants do.
 * Throws a RangeError for an instant before 1970 or after the year 10889, or for other than 10 bytes. https://github.com/ulid/spec
 */
export function ulid(at: Instant, random: Uint8Array): string {
  if (!Number.isInteger(at) || at < 0 || at > latestAt) throw new RangeError(`no ULID has the time ${at}`)
  if (random.length !== randomBytes) throw new RangeError(`a ULID needs ${randomBytes} random bytes`)
  return encodeTime(at) + encodeBase32(random, (randomBytes * 8) / 5)
}

/** Whether the text is a ULID as `ulid` writes it: upper case, 26 digits, not beyond 128 bits. */
export function isUlid(text: string): boolean {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text)
}

function encodeTime(at: Instant): string {
  let text = ''
  for (let rest = at; text.length < timeDigits; rest = Math.floor(rest / 32)) {
    text = base32Digits.charAt(rest % 32) + text
  }
  return text
}
