import { base32Digits, encodeBase32 } from './base32.ts'

const randomDigits = 11
const referenceDigits = randomDigits + 1

/**
 * A reference that a person can read to the support desk, `XXXX-XXXX-XXXX`: 55 random bits in Crockford's base 32 and a check
 * character. This form, in upper case with hyphens, is the one that is stored and shown. Takes the first 55 bits of at least
 * 7 bytes; throws a RangeError when there are fewer.
 */
export function formatReference(random: Uint8Array): string {
  const digits = encodeBase32(random, randomDigits)
  return grouped(digits + base32Digits.charAt(double(residue(digits))))
}

/**
 * The reference that someone typed, in its stored form, or null when it is none: read without regard to case, white space and
 * hyphens of any kind, with `O` as 0, `I` and `L` as 1.
 */
export function parseReference(text: string): string | null {
  const digits = text
    .replace(/[\s\u00ad\u200b\u2010-\u2015\u2212-]/g, '')
    .toUpperCase()
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1')
  if (digits.length !== referenceDigits || !/^[0-9A-HJKMNP-TV-Z]+$/.test(digits)) return null
  return residue(digits) === 0 ? grouped(digits) : null
}

/**
 * Reads the digits as a polynomial over GF(32) and gives its value at the generator 2: zero for a whole reference. Powers of 2
 * differ at every place, so that one wrong character or two exchanged ones, adjacent or not, never give zero again.
 */
function residue(digits: string): number {
  let value = 0
  for (const digit of digits) value = double(value) ^ base32Digits.indexOf(digit)
  return value
}

/** Times 2 in GF(32), modulo x⁵ + x² + 1, of which 2 is a generator. */
function double(value: number): number {
  return value < 16 ? value << 1 : (value << 1) ^ 0b100101
}

function grouped(digits: string): string {
  return `${digits.slice(0, 4)}-${digits.slice(4, 8)}-${digits.slice(8)}`
}
