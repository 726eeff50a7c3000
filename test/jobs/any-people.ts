import fc from 'fast-check'
import { type Campaign, type Stage, weekdays } from '#core/campaign.ts'
import type { Pin } from '#core/pin.ts'
import { smallestGapDays } from '#core/stages.ts'
import { aCampaign } from '../core/given.ts'
import { aHolder, dayMs, hourMs, monday } from './world.ts'

/** Far apart, at odd offsets, and with a change of clocks near `monday`. */
const someZones = [
  'UTC',
  'Europe/Berlin',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Pacific/Kiritimati',
  'Pacific/Pago_Pago',
]

export const someZone = fc.constantFrom(...someZones)

/** Office hours of some length on some days, or none. */
const someWindow = fc.option(
  fc
    .record({
      days: fc.uniqueArray(fc.constantFrom(...weekdays), { minLength: 3, maxLength: 7 }),
      fromMinute: fc.integer({ min: 0, max: 20 }).map((halfHours) => halfHours * 30),
      hours: fc.integer({ min: 1, max: 10 }),
    })
    .map(({ days, fromMinute, hours }) => ({ days, fromMinute, toMinute: Math.min(1_440, fromMinute + hours * 60) })),
  { freq: 3 },
)

/** A campaign with stages that come close upon each other. */
export const someCampaign: fc.Arbitrary<Partial<Campaign>> = fc
  .record({
    days: fc.uniqueArray(fc.constantFrom(1, 2, 3, 5, 8), { minLength: 1, maxLength: 4 }),
    expired: fc.boolean(),
    window: someWindow,
    timeZone: someZone,
    graceDays: fc.integer({ min: 0, max: 4 }),
    spread: fc.integer({ min: 0, max: 3 }),
    percent: fc.constantFrom(100, 100, 60),
    schedule: fc.record({
      cron: fc.constantFrom('0 6 * * *', '30 9,15 * * *', '7 */8 * * *', '0 0,12 * * *', '20 4 * * mon,wed,fri'),
      timeZone: someZone,
    }),
    limit: fc.record({
      perHour: fc.constantFrom(null, null, 2),
      perDay: fc.constantFrom(null, null, 1, 3),
    }),
  })
  .map(({ days, expired, spread, percent, ...differs }) => {
    const warnings = days.sort((one, other) => other - one).map((day): Stage => `${day}d`)
    const stages: Stage[] = expired ? [...warnings, 'expired'] : warnings
    const spreadDays = Math.max(0, Math.min(spread, smallestGapDays(stages) - 1))
    const pins = { ...aCampaign().pins, percent }
    return { ...differs, stages, spreadDays, pins }
  })

/** People with a few PINs each, most of which expire within two weeks of `monday`, before or after. */
export const somePeople: fc.Arbitrary<Pin[]> = fc
  .array(
    fc.record({
      timeZone: fc.option(someZone),
      noAddress: fc.constantFrom(false, false, false, false, true),
      pins: fc.array(
        fc.record({
          hoursAhead: fc.integer({ min: -8 * 24, max: 14 * 24 }),
          minute: fc.constantFrom(0, 0, 30, 59),
          lifetimeDays: fc.option(fc.integer({ min: 1, max: 30 }), { freq: 2 }),
          status: fc.constantFrom('active' as const, 'active' as const, 'active' as const, 'revoked' as const),
          ownZone: fc.option(someZone, { freq: 1, nil: undefined }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
    { minLength: 5, maxLength: 14 },
  )
  .map((people) =>
    people.flatMap(({ timeZone, noAddress, pins }, person) =>
      pins.map(({ hoursAhead, minute, lifetimeDays, status, ownZone }, n) => {
        const expiresAt = monday + hoursAhead * hourMs + minute * 60_000
        return aHolder(`person-${person}`, {
          n,
          expiresAt,
          status,
          timeZone: ownZone ?? timeZone,
          setAt: lifetimeDays === null ? null : expiresAt - lifetimeDays * dayMs,
          ...(noAddress ? { email: null } : {}),
        })
      }),
    ),
  )
