/** Crockford's base 32: no I, L, O or U, so that nothing is mistaken when read aloud. https://www.crockford.com/base32.html */
export const base32Digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** The first `count` × 5 bits of `bytes`, as digits from the most significant on. Throws a RangeError when there are fewer bits. */
export function encodeBase32(bytes: Uint8Array, count: number): string {
  if (bytes.length * 8 < count * 5) throw new RangeError(`${count} digits need ${count * 5} bits`)
  let text = ''
  let buffer = 0
  let bits = 0
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5 && text.length < count) {
      bits -= 5
      text += base32Digits.charAt((buffer >> bits) & 31)
    }
  }
  return text
}
