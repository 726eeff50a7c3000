import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isoInstant } from '#core/instant.ts'
import { parseInstant } from '#core/parse-instant.ts'

describe('parseInstant', () => {
  it.each([
    ['2026-12-31T17:00:00Z', '2026-12-31T17:00:00Z'],
    ['2026-12-31T17:00Z', '2026-12-31T17:00:00Z'],
    ['2026-12-31T17:00:00+01:00', '2026-12-31T16:00:00Z'],
    ['2026-12-31T17:00:00-0330', '2026-12-31T20:30:00Z'],
    ['2026-12-31T17:00:00+05', '2026-12-31T12:00:00Z'],
    ['2026-12-31T17:00:00.1239Z', '2026-12-31T17:00:00.123Z'],
    ['2026-12-31T17:00:00.5Z', '2026-12-31T17:00:00.500Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['1969-12-31T23:00:00-01:00', '1970-01-01T00:00:00Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('reads %s as %s', (text, iso) => {
    const parsed = parseInstant(text)
    expect('at' in parsed && isoInstant(parsed.at)).toBe(iso)
  })

  it.each([
    ['2026-12-31T17:00:00', 'has no offset; expected `Z` or an offset such as `+01:00` at its end'],
    ['2026-12-31', 'has no time and no offset; expected an instant such as `2026-12-31T17:00:00+01:00`'],
    ['2026-02-31T00:00:00Z', '2026-02-31 is no day of the calendar'],
    ['2027-02-29T00:00:00Z', '2027-02-29 is no day of the calendar'],
    ['2026-13-01T00:00:00Z', '2026-13-01 is no day of the calendar'],
    ['2026-00-10T00:00:00Z', '2026-00-10 is no day of the calendar'],
    ['2026-12-31T24:00:00Z', 'has an hour after 23'],
    ['2026-12-31T17:60:00Z', 'has a minute after 59'],
    ['2016-12-31T23:59:60Z', 'has a second after 59 (leap seconds are not accepted)'],
    ['2026-12-31T17:00:00+14:01', 'has an offset that no place has; expected -14:00 to +14:00'],
    ['2026-12-31T17:00:00+01:60', 'has an offset that no place has; expected -14:00 to +14:00'],
    ['1970-01-01T00:00:00+00:01', 'is outside of the years 1970 to 9999'],
    ['0050-01-01T00:00:00Z', 'is outside of the years 1970 to 9999'],
    ['9999-12-31T23:59:59-00:01', 'is outside of the years 1970 to 9999'],
  ])('refuses %s: it %s', (text, problem) => {
    expect(parseInstant(text)).toEqual({ problem })
  })

  it.each([
    '31.12.2026',
    '12/31/26',
    '2026-12-31 17:00:00Z',
    '1798736400',
    '+012026-12-31T17:00:00Z',
    '2026-W53-4T00:00Z',
    ' 2026-12-31T17:00:00Z',
  ])('refuses %j as another notation', (text) => {
    expect(parseInstant(text)).toEqual({ problem: expect.stringContaining('is not an instant in ISO 8601') })
  })

  it('reads back every instant that forewarn writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }), (at) => {
        expect(parseInstant(isoInstant(at))).toEqual({ at })
      }),
    )
  })
})
