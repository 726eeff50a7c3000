import fc from 'fast-check'
import { type Campaign, type SendingWindow, type Stage, weekdays } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import type { Pin } from '#core/pin.ts'
import type { Recipient } from '#core/recipient.ts'
import { smallestGapDays } from '#core/stages.ts'

export const officeHours: SendingWindow = {
  days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  fromMinute: 9 * 60,
  toMinute: 17 * 60,
}

/** An instant from ISO 8601 with an offset. */
export function instant(text: string): Instant {
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw new Error(`no instant: ${text}`)
  return at
}

export function aCampaign(differs: Partial<Campaign> = {}): Campaign {
  return {
    key: 'soft-pin',
    template: 'soft-pin',
    pins: { kind: 'caller-pin', accounts: null, percent: 100 },
    schedule: { cron: '*/15 * * * *', timeZone: 'UTC' },
    stages: ['30d', '14d', '7d', '1d', 'expired'],
    window: officeHours,
    timeZone: 'UTC',
    graceDays: 7,
    spreadDays: 0,
    limit: { perHour: null, perDay: null },
    digest: { list: 100 },
    locales: { default: 'en', allow: null },
    links: { allow: ['example.com'] },
    facts: {},
    ...differs,
  }
}

/** null stays null: a PIN without an address. */
export function aRecipient<K extends string | null>(key: K): K extends null ? null : Recipient
export function aRecipient(key: string | null): Recipient | null {
  return key === null ? null : { key, suppressed: false }
}

export function aPin(differs: Partial<Pin> = {}): Pin {
  return {
    pinId: 'pin-1',
    kind: 'caller-pin',
    status: 'active',
    email: 'ada@example.com',
    name: null,
    accountId: null,
    accountName: null,
    locale: null,
    timeZone: null,
    setAt: null,
    expiresAt: instant('2026-06-20T12:00Z'),
    portalVersion: null,
    ...differs,
  }
}

/** Daylight saving north and south, by half an hour, at midnight, none; half and quarter hours; both ends of a day. */
export const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'America/Sao_Paulo',
  'America/Havana',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'Africa/Cairo',
  'Africa/Casablanca',
  'Australia/Lord_Howe',
  'Pacific/Auckland',
  'Pacific/Chatham',
  'Pacific/Tongatapu',
  'Pacific/Kiritimati',
  'Pacific/Pago_Pago',
]

export const anyZone = fc.constantFrom(...zones)

export const anyInstant = fc.integer({ min: instant('2024-01-01T00:00Z'), max: instant('2028-12-31T00:00Z') })

export const anyOpenWindow: fc.Arbitrary<SendingWindow> = fc
  .record({
    days: fc.uniqueArray(fc.constantFrom(...weekdays), { minLength: 1, maxLength: 7 }),
    fromMinute: fc.integer({ min: 0, max: 1_439 }),
    minutes: fc.integer({ min: 1, max: 1_440 }),
  })
  .map(({ days, fromMinute, minutes }) => ({ days, fromMinute, toMinute: Math.min(1_440, fromMinute + minutes) }))

export const anyWindow = fc.option(anyOpenWindow, { freq: 4 })

export const anyStages: fc.Arbitrary<Stage[]> = fc
  .record({
    days: fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 }),
    expired: fc.boolean(),
  })
  .map(({ days, expired }) => [
    ...days.sort((one, other) => other - one).map((day): Stage => `${day}d`),
    ...(expired ? (['expired'] as const) : []),
  ])

export const anyCampaign: fc.Arbitrary<Campaign> = fc
  .record({
    stages: anyStages,
    window: anyWindow,
    timeZone: anyZone,
    graceDays: fc.integer({ min: 0, max: 14 }),
    spread: fc.nat({ max: 30 }),
  })
  .map(({ spread, ...differs }) => {
    const spreadDays = Math.min(spread, smallestGapDays(differs.stages) - 1)
    return aCampaign({ ...differs, spreadDays })
  })

export const anyRecipient = fc.constantFrom('ada', 'grace', 'hedy', 'katherine', 'margaret')

/** A PIN, and the recipient key of its holder. */
export const anyHeldPin: fc.Arbitrary<{ pin: Pin; recipientKey: string | null }> = fc
  .record({
    recipientKey: fc.option(anyRecipient, { freq: 8 }),
    status: fc.constantFrom(
      'active' as const,
      'active' as const,
      'active' as const,
      'revoked' as const,
      'none' as const,
    ),
    timeZone: fc.option(anyZone),
    expiresAt: anyInstant,
    lifetimeMs: fc.option(fc.integer({ min: 1, max: 90 * 86_400_000 })),
  })
  .map(({ recipientKey, lifetimeMs, ...differs }) => {
    const setAt = lifetimeMs === null ? null : differs.expiresAt - lifetimeMs
    const email = recipientKey === null ? null : `${recipientKey}@example.com`
    return { pin: aPin({ ...differs, setAt, email }), recipientKey }
  })
