import { describe, expect, it } from 'vitest'
import { recipientHash } from '#core/recipient-hash.ts'

const recipients = Array.from({ length: 70_000 }, (_, number) => `recipient-${number}`)

describe('recipientHash', () => {
  it('never changes: people would move within a running campaign', () => {
    expect(recipientHash('spread', 'soft-pin', 'ada')).toBe(1_241_346_314)
    expect(recipientHash('pilot', 'soft-pin', 'ada')).toBe(1_457_125_003)
  })

  it.each([2, 3, 7, 100])('is level modulo %i', (modulus) => {
    const counts = count(recipients.map((key) => recipientHash('spread', 'soft-pin', key) % modulus))
    const mean = recipients.length / modulus
    expect(counts.size).toBe(modulus)
    // Five standard deviations of a fair die.
    for (const n of counts.values()) expect(Math.abs(n - mean)).toBeLessThan(5 * Math.sqrt(mean))
  })

  it('places a recipient anew in each campaign', () => {
    const same = recipients.filter(
      (key) => recipientHash('spread', 'a', key) % 7 === recipientHash('spread', 'b', key) % 7,
    )
    expect(Math.abs(same.length - 10_000)).toBeLessThan(500)
  })

  it('tells where the campaign ends and the recipient begins', () => {
    expect(recipientHash('spread', 'ab', 'c')).not.toBe(recipientHash('spread', 'a', 'bc'))
  })
})

function count(values: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}
