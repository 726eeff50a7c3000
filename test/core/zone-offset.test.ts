import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { offsetSpanAt } from '#core/zone-offset.ts'
import { instant } from './given.ts'

describe('offsetSpanAt', () => {
  it('begins and ends at the changes of the clocks', () => {
    const summer = {
      fromAt: instant('2026-03-29T01:00Z'),
      toAt: instant('2026-10-25T01:00Z'),
      offsetMs: 2 * 3_600_000,
    }
    expect(offsetSpanAt(summer.fromAt, 'Europe/Berlin')).toEqual(summer)
    expect(offsetSpanAt(summer.toAt - 1, 'Europe/Berlin')).toEqual(summer)
    expect(offsetSpanAt(summer.fromAt - 1, 'Europe/Berlin').offsetMs).toBe(3_600_000)
    expect(offsetSpanAt(summer.toAt, 'Europe/Berlin').offsetMs).toBe(3_600_000)
  })

  it('agrees with the platform on every zone it knows, near and far from changes, whatever was asked before', () => {
    const everyZone = fc.constantFrom(...Intl.supportedValuesOf('timeZone'))
    const anyTime = fc.integer({ min: instant('2015-01-01T00:00Z'), max: instant('2037-12-31T00:00Z') })
    fc.assert(
      fc.property(everyZone, anyTime, (timeZone, at) => {
        const { fromAt, toAt, offsetMs } = offsetSpanAt(at, timeZone)
        const probes = [at, Math.max(fromAt, at - 40 * 86_400_000), Math.min(toAt - 1, at + 40 * 86_400_000)]
        for (const probe of probes) expect(platformOffsetMs(probe, timeZone)).toBe(offsetMs)
      }),
      { numRuns: 200 },
    )
  })

  it('refuses a zone that does not exist', () => {
    expect(() => offsetSpanAt(0, 'Mars/Olympus')).toThrow(RangeError)
  })
})

function platformOffsetMs(at: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'longOffset' }).formatToParts(at)
  const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? ''
  const [, sign, hours = '0', minutes = '0'] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(name) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}
