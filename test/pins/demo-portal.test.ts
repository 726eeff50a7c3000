import { describe, expect, it } from 'vitest'
import { isoInstant } from '#core/instant.ts'
import { demoPins } from '#pins/demo-portal.ts'
import { readPin } from '#pins/row.ts'

const dayMs = 86_400_000
const at = Date.UTC(2026, 10, 23, 12)

/** How many local midnights lie between two instants, in a zone. */
function localDaysBetween(fromAt: number, toAt: number, timeZone: string): number {
  const date = new Intl.DateTimeFormat('en-CA', { timeZone })
  return (Date.parse(date.format(toAt)) - Date.parse(date.format(fromAt))) / dayMs
}

describe('demoPins', () => {
  it('makes the same portal of the same seed, and another of another', () => {
    expect(demoPins({ count: 50, seed: 1, at })).toEqual(demoPins({ count: 50, seed: 1, at }))
    expect(demoPins({ count: 50, seed: 1, at })).not.toEqual(demoPins({ count: 50, seed: 2, at }))
  })

  it('makes exactly as many PINs as asked, each with an id of its own', () => {
    for (const count of [0, 1, 7, 300]) {
      const pins = demoPins({ count, seed: 3, at })
      expect(new Set(pins.map(({ pinId }) => pinId)).size).toBe(count)
    }
  })

  it('makes PINs that an import would take, with addresses that nobody has', () => {
    for (const pin of demoPins({ count: 1_000, seed: 4, at })) {
      const row = {
        pin_id: pin.pinId,
        email: pin.email,
        expires_at: isoInstant(pin.expiresAt),
        set_at: pin.setAt === null ? null : isoInstant(pin.setAt),
        account_id: pin.accountId,
        account_name: pin.accountName,
        name: pin.name,
        locale: pin.locale,
        time_zone: pin.timeZone,
        status: pin.status,
      }
      expect(readPin(row)).toEqual({ pin })
      expect(pin.email).toMatch(/@([a-z0-9-]+\.)?example\.(com|org|net)$/)
    }
  })

  it('gives each person one address', () => {
    const people = new Map<string | null, Set<string | null>>()
    for (const { email, name } of demoPins({ count: 1_000, seed: 5, at })) {
      people.set(email, (people.get(email) ?? new Set()).add(name))
    }
    expect(Math.max(...[...people.values()].map((names) => names.size))).toBe(1)
    expect(people.size).toBeGreaterThan(700)
  })

  it.each([at, at + 7 * 3_600_000, at + 15 * 3_600_000])(
    'has every stage and every reason for silence in any twenty PINs',
    (now) => {
      const pins = demoPins({ count: 200, seed: 6, at: now })
      for (let start = 0; start < pins.length; start += 20) {
        const some = pins.slice(start, start + 20)
        const active = some.filter(({ status }) => status === 'active')
        const daysLeft = active.flatMap(({ expiresAt, timeZone }) =>
          timeZone === null || expiresAt <= now ? [] : localDaysBetween(now, expiresAt, timeZone),
        )
        const within = (above: number, upTo: number): boolean => daysLeft.some((days) => days > above && days <= upTo)
        expect([within(-1, 1), within(1, 7), within(7, 14), within(14, 30), within(33, 365)]).toEqual(
          Array(5).fill(true),
        )
        expect(active.some(({ expiresAt }) => expiresAt <= now && expiresAt > now - 6 * dayMs)).toBe(true)
        expect(active.some(({ expiresAt }) => expiresAt < now - 14 * dayMs)).toBe(true)
        expect(active.some(({ setAt }) => setAt !== null && setAt <= now && setAt > now - 2.1 * dayMs)).toBe(true)
        expect(some.some(({ status }) => status === 'revoked')).toBe(true)
        expect(some.some(({ status, setAt }) => status === 'none' && setAt === null)).toBe(true)
        expect(some.every(({ setAt }) => setAt === null || setAt <= now)).toBe(true)
      }
    },
  )

  it('has people with several PINs that are due together', () => {
    const due = demoPins({ count: 300, seed: 7, at }).filter(
      ({ status, expiresAt }) => status === 'active' && expiresAt > at - 5 * dayMs && expiresAt < at + 29 * dayMs,
    )
    const perPerson = Map.groupBy(due, ({ email }) => email)
    expect([...perPerson.values()].filter((pins) => pins.length > 1).length).toBeGreaterThan(3)
  })

  it('is mostly in English, over many zones and some other languages', () => {
    const pins = demoPins({ count: 400, seed: 8, at })
    const english = pins.filter(({ locale }) => locale?.startsWith('en')).length
    expect(english / pins.length).toBeGreaterThan(0.6)
    expect(english / pins.length).toBeLessThan(0.95)
    expect(new Set(pins.map(({ timeZone }) => timeZone)).size).toBeGreaterThan(12)
    expect(new Set(pins.map(({ locale }) => locale)).size).toBeGreaterThan(7)
  })
})
