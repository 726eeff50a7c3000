import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isUlid, ulid } from '#core/ulid.ts'

const latestAt = 2 ** 48 - 1
const anInstant = fc.integer({ min: 0, max: latestAt })
const tenBytes = fc.uint8Array({ minLength: 10, maxLength: 10 })

describe('ulid', () => {
  it('writes the example of the specification', () => {
    // 01ARZ3NDEK is 1469922850259 in the specification of ULIDs.
    expect(ulid(1469922850259, new Uint8Array(10)).slice(0, 10)).toBe('01ARZ3NDEK')
    expect(ulid(latestAt, new Uint8Array(10).fill(255))).toBe('7ZZZZZZZZZZZZZZZZZZZZZZZZZ')
  })

  it('sorts as the instants do, whatever the random part', () => {
    fc.assert(
      fc.property(anInstant, anInstant, tenBytes, tenBytes, (a, b, randomA, randomB) => {
        fc.pre(a < b)
        expect(ulid(a, randomA) < ulid(b, randomB)).toBe(true)
      }),
    )
  })

  it('keeps every random bit', () => {
    fc.assert(
      fc.property(tenBytes, fc.nat(79), (random, bit) => {
        const other = random.with(bit >> 3, (random[bit >> 3] ?? 0) ^ (1 << (bit & 7)))
        expect(ulid(0, random)).not.toBe(ulid(0, other))
      }),
    )
  })

  it('is recognized, and what is not quite one is not', () => {
    fc.assert(fc.property(anInstant, tenBytes, (at, random) => isUlid(ulid(at, random))))
    for (const text of ['', '01ARZ3NDEKTSV4RRFFQ69G5FA', '81ARZ3NDEKTSV4RRFFQ69G5FAV', '01arz3ndektsv4rrffq69g5fav']) {
      expect(isUlid(text)).toBe(false)
    }
    expect(isUlid('01ARZ3NDEKTSV4RRFFQ69G5FAV')).toBe(true)
    expect(isUlid('01ARZ3NDEKTSV4RRFFQ69G5FAV\n')).toBe(false)
  })

  it('refuses an instant or random bytes that do not fit', () => {
    for (const at of [-1, 0.5, latestAt + 1, Number.NaN]) expect(() => ulid(at, new Uint8Array(10))).toThrow(RangeError)
    for (const length of [9, 11]) expect(() => ulid(0, new Uint8Array(length))).toThrow(RangeError)
  })
})
