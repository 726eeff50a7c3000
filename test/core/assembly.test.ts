import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assemble, cutList, listOrder } from '#core/assembly.ts'
import { dayMs } from '#core/calendar.ts'
import type { Stage } from '#core/campaign.ts'
import { decide } from '#core/decide.ts'
import { type Pin, versionOf } from '#core/pin.ts'
import { addressesOf, type Recipients, recipientOf } from '#core/recipient.ts'
import type { OpenReminder } from '#core/reminder.ts'
import { stageDueAt } from '#core/stages.ts'
import { aCampaign, anyCampaign, anyHeldPin, aPin, aRecipient, instant, officeHours } from './given.ts'

const campaign = aCampaign({ stages: ['7d', '4d', '1d', 'expired'], window: null })
const now = instant('2026-06-15T10:00Z')
const dueAt = instant('2026-06-15T00:00Z')

describe('assemble', () => {
  it('makes one draft for 101 PINs of one holder, with all their reminders', () => {
    const pins = Array.from({ length: 101 }, (_, number) => expiringIn(5, { pinId: `pin-${number}` }))
    const { drafts, skips } = assembled(
      pins.map((pin) => open('7d', pin)),
      pins,
    )
    expect(skips).toEqual([])
    expect(drafts).toHaveLength(1)
    expect(drafts[0]?.reminders).toHaveLength(101)
  })

  it('makes one draft for each address, whatever its case', () => {
    const ada = expiringIn(5, { pinId: 'a', email: 'ada@example.com' })
    const adaToo = expiringIn(5, { pinId: 'b', email: 'Ada@Example.com' })
    const grace = expiringIn(5, { pinId: 'c', email: 'grace@example.com' })
    const { drafts } = assembled([open('7d', ada), open('7d', adaToo), open('7d', grace)], [ada, adaToo, grace])
    expect(drafts.map((draft) => draft.reminders.map(({ id }) => id))).toEqual([['a/7d', 'b/7d'], ['c/7d']])
  })

  it('takes language, zone and address from the most urgent reminder', () => {
    const wide = expiringIn(6, { pinId: 'a', locale: 'de', timeZone: 'Europe/Berlin', email: 'Ada@example.com' })
    const near = expiringIn(1, { pinId: 'b', locale: 'fr', timeZone: 'Europe/Paris', email: 'ada@example.com' })
    const { drafts } = assembled([open('7d', wide), open('1d', near)], [wide, near])
    expect(drafts).toEqual([
      {
        recipientKey: 'key of ada@example.com',
        address: 'ada@example.com',
        locale: 'fr',
        timeZone: 'Europe/Paris',
        notBefore: dueAt,
        notAfter: null,
        reminders: [
          { id: 'b/1d', stage: '1d' },
          { id: 'a/7d', stage: '7d' },
        ],
      },
    ])
  })

  it('puts `expired` before every warning', () => {
    const ending = expiringIn(1, { pinId: 'a' })
    const ended = expiringIn(-1, { pinId: 'b' })
    const { drafts } = assembled([open('1d', ending), open('expired', ended)], [ending, ended])
    expect(drafts[0]).toMatchObject({ reminders: [{ stage: 'expired' }, {}] })
  })

  it('takes them from the nearest expiry among equal stages', () => {
    const later = expiringIn(6, { pinId: 'a', locale: 'de' })
    const sooner = expiringIn(5, { pinId: 'b', locale: 'fr' })
    expect(assembled([open('7d', later), open('7d', sooner)], [later, sooner]).drafts[0]?.locale).toBe('fr')
  })

  it("uses the campaign's zone for a PIN without one", () => {
    const pin = expiringIn(5)
    const inKolkata = { ...campaign, timeZone: 'Asia/Kolkata' }
    expect(assembled([open('7d', pin)], [pin], inKolkata).drafts[0]?.timeZone).toBe('Asia/Kolkata')
  })

  it('groups by the address that the PIN has now', () => {
    const moved = expiringIn(5, { pinId: 'a', email: 'new@example.com' })
    const stayed = expiringIn(5, { pinId: 'b', email: 'old@example.com' })
    const { drafts, skips } = assembled(
      [open('7d', moved, 'key of old@example.com'), open('7d', stayed, 'key of old@example.com')],
      [moved, stayed],
    )
    expect(skips).toEqual([])
    expect(drafts.map(({ address, recipientKey }) => [address, recipientKey])).toEqual([
      ['new@example.com', 'key of new@example.com'],
      ['old@example.com', 'key of old@example.com'],
    ])
  })

  it('decides what is not right any more, each with its reason, and sends the rest', () => {
    const planned = ['gone', 'reset', 'revoked', 'mute', 'late', 'fine'].map((pinId) => expiringIn(5, { pinId }))
    const reminders = planned.map((pin) => open('7d', pin))
    const [, reset, revoked, mute, late, fine] = planned as [Pin, Pin, Pin, Pin, Pin, Pin]
    const pins: Pin[] = [
      { ...reset, expiresAt: reset.expiresAt + 365 * dayMs },
      { ...revoked, status: 'revoked' },
      { ...mute, email: null },
      late,
      fine,
    ]
    const superseded = open('7d', expiringIn(3, { pinId: 'wide' }))
    const { drafts, skips } = assembled([...reminders, superseded], [...pins, expiringIn(3, { pinId: 'wide' })])
    expect(skips).toEqual([
      { id: 'gone/7d', reason: 'gone' },
      { id: 'reset/7d', reason: 'reset' },
      { id: 'revoked/7d', reason: 'revoked' },
      { id: 'mute/7d', reason: 'no-address' },
      { id: 'wide/7d', reason: 'superseded' },
    ])
    expect(drafts.flatMap(({ reminders: held }) => held.map(({ id }) => id))).toEqual(['fine/7d', 'late/7d'])
  })

  it('never lists a PIN twice, also where a move to another zone leaves two of its stages current', () => {
    const inBerlin = expiringIn(4, { timeZone: 'Europe/Berlin', expiresAt: instant('2026-06-20T12:00Z') })
    const inNewYork = { ...inBerlin, timeZone: 'America/New_York' }
    const at = stageDueAt('4d', inBerlin, campaign, null)
    const reminders = [open('7d', inBerlin), open('4d', inBerlin)]
    const { drafts, skips } = assemble(reminders, byId([inNewYork]), campaign, recipientsOf([inNewYork]), at)
    expect(drafts.map(({ reminders: held }) => held)).toEqual([[{ id: 'pin-1/4d', stage: '4d' }]])
    expect(skips).toEqual([{ id: 'pin-1/7d', reason: 'superseded' }])
  })

  it('waits for the opening in the zone of the recipient', () => {
    const hours = { ...campaign, window: officeHours }
    const pin = expiringIn(5, { timeZone: 'America/New_York' })
    const opening = { notBefore: instant('2026-06-15T09:00-04:00'), notAfter: instant('2026-06-15T17:00-04:00') }
    expect(assembled([open('7d', pin)], [pin], hours).drafts[0]).toMatchObject(opening)
  })

  it('puts the most urgent drafts first', () => {
    const wide = expiringIn(6, { pinId: 'a', email: 'ada@example.com' })
    const near = expiringIn(1, { pinId: 'b', email: 'grace@example.com' })
    const { drafts } = assembled([open('7d', wide), open('1d', near)], [wide, near])
    expect(drafts.map(({ reminders: [first] }) => first?.stage)).toEqual(['1d', '7d'])
  })

  it('leaves no reminder out and takes none twice', () => {
    const manyPins = fc.array(anyHeldPin, { maxLength: 12 })
    const anyDaysLeft = fc.integer({ min: -20, max: 70 })
    fc.assert(
      fc.property(anyCampaign, manyPins, anyDaysLeft, (any, held, daysLeft) => {
        const pins = held.map(({ pin }, number) => ({
          ...pin,
          pinId: `pin-${number}`,
          expiresAt: now + daysLeft * dayMs,
        }))
        const reminders = pins.flatMap((pin) => any.stages.map((stage) => open(stage, pin)))
        const { drafts, skips } = assemble(reminders, byId(pins), any, recipientsOf(pins), now)
        const drafted = drafts.flatMap((draft) => draft.reminders.map(({ id }) => id))
        expect([...drafted, ...skips.map(({ id }) => id)].sort()).toEqual(reminders.map(({ id }) => id).sort())
        expect(new Set(drafts.map(({ recipientKey }) => recipientKey)).size).toBe(drafts.length)
      }),
    )
  })

  it('drafts exactly what a scan at the same instant leaves open', () => {
    fc.assert(
      fc.property(anyCampaign, anyHeldPin, fc.integer({ min: -20, max: 70 }), (any, { pin }, daysLeft) => {
        const near = { ...pin, expiresAt: now + daysLeft * dayMs }
        const recipients = recipientsOf([near])
        const decisions = decide(near, any, recipientOf(near, recipients), now)
        const { drafts } = assemble(
          decisions.map(({ stage }) => open(stage, near)),
          byId([near]),
          any,
          recipients,
          now,
        )
        const openStages = decisions.filter(({ skip }) => skip === null).map(({ stage }) => stage)
        expect(drafts.map(({ reminders: [first] }) => first?.stage)).toEqual(openStages)
      }),
    )
  })
})

describe('listOrder', () => {
  it('is by expiry, then by id', () => {
    const pins = [
      aPin({ pinId: 'c', expiresAt: 2 }),
      aPin({ pinId: 'b', expiresAt: 1 }),
      aPin({ pinId: 'a', expiresAt: 2 }),
    ]
    expect(listOrder(pins).map(({ pinId }) => pinId)).toEqual(['b', 'a', 'c'])
    expect(pins[0]?.pinId).toBe('c')
  })
})

describe('cutList', () => {
  it.each([
    [99, 99, 0],
    [100, 100, 0],
    [101, 100, 1],
  ])('of %i PINs lists %i and counts %i more', (count, listed, more) => {
    const pins = Array.from({ length: count }, (_, number) => aPin({ pinId: `pin-${number}`, expiresAt: -number }))
    const cut = cutList(pins, 100)
    expect(cut.listed).toEqual(listOrder(pins).slice(0, listed))
    expect(cut.more).toBe(more)
  })
})

function assembled(open: readonly OpenReminder[], pins: readonly Pin[], of = campaign) {
  return assemble(open, byId(pins), of, recipientsOf(pins), now)
}

function expiringIn(days: number, differs: Partial<Pin> = {}): Pin {
  return aPin({ expiresAt: now + days * dayMs, ...differs })
}

/** An open reminder; its id is its PIN's id and its stage. */
function open(stage: Stage, pin: Pin, recipientKey = 'key'): OpenReminder {
  const key = { pinId: pin.pinId, version: versionOf(pin), stage }
  return { ...key, id: `${pin.pinId}/${stage}`, dueAt, recipientKey, messageId: null }
}

function byId(pins: readonly Pin[]): Map<string, Pin> {
  return new Map(pins.map((pin) => [pin.pinId, pin]))
}

function recipientsOf(pins: readonly Pin[]): Recipients {
  return new Map(addressesOf(pins).map((address) => [address, aRecipient(`key of ${address.toLowerCase()}`)]))
}
