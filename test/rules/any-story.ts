import fc from 'fast-check'
import type { Campaign, Stage } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import type { Pin } from '#core/pin.ts'
import { smallestGapDays } from '#core/stages.ts'
import { aCampaign, anyCampaign, anyOpenWindow, anyZone, aPin, instant, officeHours } from '../core/given.ts'
import { comesDueAt, type Story, type Tick } from './oracle.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** Something that happens in the portal, or to the list of people who get no mail. */
export type Event =
  | { readonly at: Instant; readonly pinId: string; readonly becomes: Partial<Pin> & { readonly gone?: boolean } }
  | { readonly at: Instant; readonly address: string; readonly suppressed: boolean }

/** A story with the parts that it is made of: fast-check shows them when it fails. */
export interface Told extends Story {
  readonly pins: readonly Pin[]
  /** In order of time. */
  readonly events: readonly Event[]
}

/** A story whose portal and silenced people change by events. */
export function storyOf(parts: Omit<Told, 'portal' | 'person'>): Told {
  const before = (at: Instant) => parts.events.filter((event) => event.at <= at)
  return {
    ...parts,
    portal: (at) => {
      const past = before(at)
      return parts.pins
        .map((pin): Pin & { gone?: boolean } => {
          const changes = past.flatMap((event) =>
            'pinId' in event && event.pinId === pin.pinId ? [event.becomes] : [],
          )
          return Object.assign({}, pin, ...changes)
        })
        .filter(({ gone }) => gone !== true)
    },
    person: (address, at) => {
      const key = address.toLowerCase()
      const last = before(at).findLast((event) => 'address' in event && event.address === key)
      return { key, suppressed: last !== undefined && 'address' in last && last.suppressed }
    },
  }
}

/** Some people's PINs over some weeks, with scans and mails at odd times, and now and then a long outage. */
export function anyStory({ eventful }: { readonly eventful: boolean }): fc.Arbitrary<Told> {
  const parts = fc
    .record({
      campaign: anyPlausibleCampaign,
      beginsAt: anyBegin,
      ahead: fc.array(anyPinAhead, { minLength: 2, maxLength: 6, size: 'max' }),
      steps: fc.array(anyStep, { minLength: 8, maxLength: 60, size: 'max' }),
      happenings: fc.array(anyHappening, { minLength: eventful ? 1 : 0, maxLength: eventful ? 8 : 0, size: 'max' }),
      perAddressPerDay: fc.constantFrom(null, 3, 1),
    })
    .map(({ campaign, beginsAt, ahead, steps, happenings, perAddressPerDay }) => {
      const pins = ahead.map(({ expiresInMs, lifetimeMs, ...differs }, number) => {
        const expiresAt = beginsAt + expiresInMs
        const setAt = lifetimeMs === null ? null : expiresAt - lifetimeMs
        return aPin({ ...differs, pinId: `pin-${number}`, expiresAt, setAt })
      })
      const ticks = ticksFrom(beginsAt, steps)
      const lastsMs = steps.reduce((sum, { afterMs }) => sum + afterMs, 0)
      const events = happenings
        .map(({ share, afterStage, who, happens }) => {
          const pin = pins[who % pins.length] as Pin
          const stage = campaign.stages[(afterStage ?? 0) % campaign.stages.length] as Stage
          const dueAt = comesDueAt(stage, pin, campaign, null)
          const foundAt = ticks.find(({ scanAt }) => scanAt !== null && scanAt >= dueAt)?.scanAt ?? null
          const anyAt = beginsAt + Math.floor(share * lastsMs)
          return happens(afterStage === null || foundAt === null ? anyAt : foundAt + 1, pin)
        })
        .sort((one, other) => one.at - other.at)
      return storyOf({ campaign, pins, events, ticks, perAddressPerDay })
    })
  // A bias towards small values makes stories in which nothing happens.
  return fc.noBias(parts)
}

const usualStages: readonly Stage[][] = [
  ['30d', '14d', '7d', '1d', 'expired'],
  ['7d', '1d', 'expired'],
  ['3d', '2d', '1d', 'expired'],
  ['14d', '2d'],
]

/** Such as people write, and now and then one that nobody would. */
const anyPlausibleCampaign: fc.Arbitrary<Campaign> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({
        stages: fc.constantFrom(...usualStages),
        window: fc.oneof(fc.constant(null), fc.constant(officeHours), anyOpenWindow),
        timeZone: anyZone,
        graceDays: fc.nat({ max: 10 }),
        spread: fc.nat({ max: 6 }),
        percent: fc.constantFrom(100, 100, 100, 60),
      })
      .map(({ spread, percent, ...differs }) => {
        const spreadDays = Math.min(spread, smallestGapDays(differs.stages) - 1)
        return aCampaign({ ...differs, spreadDays, pins: { kind: 'caller-pin', accounts: null, percent } })
      }),
  },
  { weight: 1, arbitrary: anyCampaign },
)

/** Often in the weeks in which clocks are changed, at the end of a year, before a leap day, or where a zone leaves a day out. */
const anyBegin: fc.Arbitrary<Instant> = fc
  .tuple(
    fc.constantFrom(
      '2026-03-10T00:00Z',
      '2026-10-10T00:00Z',
      '2027-03-20T00:00Z',
      '2026-12-20T00:00Z',
      '2028-02-15T00:00Z',
      '2027-06-01T00:00Z',
      '2011-12-20T00:00Z',
    ),
    fc.integer({ min: 0, max: 14 * dayMs }),
  )
  .map(([begin, laterMs]) => instant(begin) + laterMs)

function mostly<T>(usual: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) })
}

const anyPinAhead = fc.record({
  expiresInMs: fc.oneof(
    fc.integer({ min: -6 * dayMs, max: 30 * dayMs }),
    fc.integer({ min: -1, max: 20 }).map((days) => days * dayMs),
  ),
  lifetimeMs: fc.option(fc.integer({ min: hourMs, max: 90 * dayMs }), { freq: 2 }),
  email: fc.option(fc.constantFrom('ada@example.com', 'Ada@Example.com', 'grace@example.com', 'hedy@example.com'), {
    freq: 10,
  }),
  timeZone: fc.option(fc.oneof(anyZone, fc.constant('Pacific/Apia'))),
  status: mostly<Pin['status']>('active', 'revoked', 'none'),
  kind: mostly('caller-pin', 'badge'),
})

/** From one run to the next; the mails go a while after the scan. Scans are missed, and so are whole weeks. */
const anyStep = fc.record({
  afterMs: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 10 * minuteMs, max: 8 * hourMs }) },
    { weight: 4, arbitrary: fc.integer({ min: 8 * hourMs, max: 30 * hourMs }) },
    { weight: 1, arbitrary: fc.integer({ min: 4 * dayMs, max: 12 * dayMs }) },
  ),
  waitsMs: fc.constantFrom(0, 1, 5 * minuteMs),
  does: fc.constantFrom('both', 'both', 'both', 'both', 'scan', 'send'),
})

function ticksFrom(beginsAt: Instant, steps: readonly { afterMs: number; waitsMs: number; does: string }[]): Tick[] {
  let at = beginsAt
  return steps.map(({ afterMs, waitsMs, does }) => {
    at += afterMs
    return { scanAt: does === 'send' ? null : at, sendAt: does === 'scan' ? null : at + waitsMs }
  })
}

type Happens = (at: Instant, pin: Pin) => Event

const reset: Happens = (at, { pinId }) => ({ at, pinId, becomes: { setAt: at, expiresAt: at + 90 * dayMs } })

function movedBy(days: number): Happens {
  return (at, { pinId, expiresAt }) => ({ at, pinId, becomes: { expiresAt: expiresAt + days * dayMs } })
}

function becoming(becomes: Partial<Pin> & { gone?: boolean }): Happens {
  return (at, { pinId }) => ({ at, pinId, becomes })
}

function silenced([address, suppressed]: [string, boolean]): Happens {
  return (at) => ({ at, address, suppressed })
}

const anyHappening = fc.record({
  /** How far into the story. */
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  /** Or right after a scan has found a stage due, and before the mail. */
  afterStage: fc.option(fc.nat({ max: 4 }), { freq: 2 }),
  who: fc.nat({ max: 5 }),
  happens: fc.oneof(
    { weight: 2, arbitrary: fc.constant(reset) },
    fc.integer({ min: -10, max: 40 }).map(movedBy),
    fc
      .constantFrom<Partial<Pin> & { gone?: boolean }>(
        { status: 'revoked' },
        { status: 'active' },
        { status: 'none' },
        { email: null },
        { email: 'ada@example.com' },
        { email: 'grace@example.com' },
        { email: 'new@example.com' },
        { kind: 'badge' },
        { gone: true },
        { gone: false },
        { timeZone: 'America/New_York' },
        { timeZone: 'Pacific/Auckland' },
        { timeZone: null },
      )
      .map(becoming),
    fc.tuple(fc.constantFrom('ada@example.com', 'grace@example.com'), fc.boolean()).map(silenced),
  ),
})
