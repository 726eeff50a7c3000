import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { base32Digits } from '#core/base32.ts'
import { formatReference, parseReference } from '#core/reference.ts'

const sevenBytes = fc.uint8Array({ minLength: 7, maxLength: 7 })
const samples = fc.sample(sevenBytes, { numRuns: 40, seed: 7 }).map(formatReference)

function plain(reference: string): string {
  return reference.replaceAll('-', '')
}

describe('formatReference', () => {
  it('has three groups of four digits that nobody mistakes', () => {
    for (const reference of samples) expect(reference).toMatch(/^([0-9A-HJKMNP-TV-Z]{4})(-[0-9A-HJKMNP-TV-Z]{4}){2}$/)
  })

  it('keeps each of the first 55 bits', () => {
    const random = Uint8Array.of(1, 35, 69, 103, 137, 171, 205)
    const others = Array.from({ length: 55 }, (_, bit) => {
      return formatReference(random.with(bit >> 3, (random[bit >> 3] ?? 0) ^ (128 >> (bit & 7))))
    })
    expect(new Set([formatReference(random), ...others]).size).toBe(56)
  })

  it('refuses too few random bytes', () => {
    expect(() => formatReference(new Uint8Array(6))).toThrow(RangeError)
  })
})

describe('parseReference', () => {
  it('reads back what was shown', () => {
    fc.assert(fc.property(sevenBytes, (random) => parseReference(formatReference(random)) === formatReference(random)))
  })

  it('does not mind case, spaces, hyphens or letters mistaken for digits', () => {
    for (const reference of samples) {
      const typed = [
        reference.toLowerCase(),
        plain(reference),
        ` ${plain(reference).replace(/../g, '$& ')}`,
        reference.replaceAll('-', '\u2011'),
        reference.replaceAll('-', '–\u00ad'),
        reference.replaceAll('0', 'O').replaceAll('1', 'I'),
        reference.replaceAll('0', 'o').replaceAll('1', 'l'),
      ]
      for (const text of typed) expect(parseReference(text)).toBe(reference)
    }
  })

  it('finds every single wrong character', () => {
    for (const reference of samples) {
      const digits = plain(reference)
      for (let place = 0; place < digits.length; place += 1) {
        for (const digit of base32Digits.replace(digits.charAt(place), '')) {
          expect(parseReference(digits.slice(0, place) + digit + digits.slice(place + 1))).toBeNull()
        }
      }
    }
  })

  it('finds every exchange of two different characters, wherever they stand', () => {
    let exchanges = 0
    for (const reference of samples) {
      const digits = plain(reference)
      for (let a = 0; a < digits.length; a += 1) {
        for (let b = a + 1; b < digits.length; b += 1) {
          if (digits[a] === digits[b]) continue
          const exchanged = Array.from(digits).with(a, digits.charAt(b)).with(b, digits.charAt(a)).join('')
          expect(parseReference(exchanged)).toBeNull()
          exchanges += 1
        }
      }
    }
    expect(exchanges).toBeGreaterThan(2_000)
  })

  it('takes nothing else for a reference', () => {
    const digits = plain(formatReference(Uint8Array.of(1, 35, 69, 103, 137, 171, 205)))
    for (const text of [
      '',
      '-',
      digits.slice(1),
      `0${digits}`,
      `U${digits.slice(1)}`,
      `${digits}\u0000`,
      `é${digits}`,
    ]) {
      expect(parseReference(text)).toBeNull()
    }
  })
})
