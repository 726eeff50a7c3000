import { describe, expect, it } from 'vitest'
import { scan } from '#jobs/scan.ts'
import { everything } from '#ledger/ledger.ts'
import type { PinSource } from '#pins/pins.ts'
import { instant } from '../core/given.ts'
import { claimed } from '../ledger/sending.ts'
import { aHolder, dayMs, hourMs, monday, newWorld, ops, secret, thatProcess, thisProcess, type World } from './world.ts'

/** More than a page of either kind. */
const many = 1_050

/** The portal, where a page can be kept waiting, fail, or be counted. */
function portalOf(world: World, onPage: (page: number) => unknown): PinSource {
  let pages = 0
  return {
    page: async (query, after, limit) => {
      pages += 1
      await onPage(pages)
      return world.pinTable.page(query, after, limit)
    },
    read: (ids) => world.pinTable.read(ids),
    refreshedAt: () => world.pinTable.refreshedAt(),
  }
}

async function holdMany(world: World, who: (n: number) => string): Promise<void> {
  const pins = Array.from({ length: many }, (_, n) => aHolder(who(n), { n }))
  await world.hold(...pins.slice(0, 1_000))
  await world.hold(...pins.slice(1_000))
}

async function counts({ ledger }: World) {
  return (await ledger.reports.countsByCampaign()).get('soft-pin')
}

describe('a scan', () => {
  it('plans what came due, puts it into messages, and says what it did', async () => {
    const world = await newWorld()
    await world.hold(
      aHolder('ada'),
      aHolder('bob', { status: 'revoked' }),
      aHolder('cy', { email: null }),
      aHolder('dan', { expiresAt: monday + 12 * dayMs }),
      aHolder('eve', { expiresAt: monday + 90 * dayMs }),
    )
    expect(await world.scan()).toEqual({
      examined: 4,
      planned: 1,
      skipped: { revoked: 1, 'no-address': 1 },
      emptied: 0,
    })
    expect(await world.message(await world.pending())).toMatchObject({
      address: 'ada@example.org',
      stage: '7d',
      notBefore: instant('2026-11-23T09:00Z'),
      reminders: [{ pinId: 'pin-of-ada-1', stage: '7d' }],
    })
    expect(await world.ledger.plans.lastScans()).toEqual([
      { campaign: 'soft-pin', startedAt: monday, finishedAt: monday, examined: 4, planned: 1 },
    ])
    expect(JSON.stringify(world.log.lines)).not.toMatch(secret)
  })

  it('changes nothing when it comes again', async () => {
    const world = await newWorld()
    await world.hold(aHolder('ada'), aHolder('ada', { n: 2 }), aHolder('bob', { status: 'none' }))
    await world.scan()
    const tables = ['reminder', 'message', 'attempt', 'cap']
    const look = () => Promise.all(tables.map((table) => world.look(`select * from ${table} order by 1`)))
    const before = await look()
    expect(await world.scan()).toMatchObject({ planned: 0, skipped: {}, emptied: 0 })
    expect(await look()).toEqual(before)
  })

  it('reaches every PIN beyond its first page, also when all expire at the same instant', async () => {
    const world = await newWorld()
    await holdMany(world, (n) => `person-${n}`)
    expect(await world.scan()).toEqual({ examined: many, planned: many, skipped: {}, emptied: 0 })
    expect(await counts(world)).toMatchObject({ pending: many })
  })

  it('makes one mail of all PINs of one person, also across its pages', async () => {
    const world = await newWorld()
    await holdMany(world, () => 'ada')
    expect(await world.scan()).toMatchObject({ planned: many })
    expect((await world.message(await world.pending())).reminders).toHaveLength(many)
  })

  it('looks at the accounts and the kind of its campaign, and at no other', async () => {
    const world = await newWorld({
      campaign: { pins: { kind: 'caller-pin', accounts: ['A-1', 'A-2'], percent: 100 } },
    })
    await world.hold(
      aHolder('ada', { accountId: 'A-1' }),
      aHolder('bob', { accountId: 'A-2' }),
      aHolder('cy', { accountId: 'A-3' }),
      aHolder('dan', { accountId: null }),
      aHolder('eve', { accountId: 'A-1', kind: 'other-pin' }),
    )
    expect(await world.scan()).toMatchObject({ examined: 2, planned: 2 })
    expect(Object.keys(await world.reminders())).toEqual(['pin-of-ada-1 7d', 'pin-of-bob-1 7d'])
  })

  it('writes to nobody who was silenced, and says so once', async () => {
    const world = await newWorld()
    await world.hold(aHolder('ada'), aHolder('bob'))
    await world.ledger.suppressions.add('ADA@example.org', ops)
    expect(await world.scan()).toMatchObject({ planned: 1, skipped: { suppressed: 1 } })
    expect(await world.scan()).toMatchObject({ planned: 0, skipped: {} })
    await world.ledger.suppressions.remove('ada@example.org', ops)
    await world.ledger.suppressions.add('bob@example.org', ops)
    expect(await world.scan()).toMatchObject({ planned: 0, skipped: { suppressed: 1 }, emptied: 1 })
    expect(await world.reminders()).toEqual({ 'pin-of-ada-1 7d': 'suppressed', 'pin-of-bob-1 7d': 'suppressed' })
    world.clocks.businessAt = monday + 4 * dayMs
    expect(await world.scan(), 'written to again from the next stage on').toMatchObject({ planned: 1 })
  })

  it('of a pilot writes to a share of the people, and records nothing of the others', async () => {
    const world = await newWorld({ campaign: { pins: { kind: 'caller-pin', accounts: null, percent: 30 } } })
    const people = Array.from({ length: 200 }, (_, n) => aHolder(`person-${n}`))
    await world.hold(...people, ...people.map((pin) => ({ ...pin, pinId: `${pin.pinId}-second` })))
    const result = await world.scan()
    expect(result?.examined).toBe(400)
    // Both PINs of a person are in or out together.
    expect(result?.planned).toBe(((await counts(world))?.pending ?? 0) * 2)
    expect((await counts(world))?.pending).toBeGreaterThan(30)
    expect((await counts(world))?.pending).toBeLessThan(90)
    expect(Object.keys(await world.reminders())).toHaveLength(result?.planned ?? 0)
  })
})

describe('what is open', () => {
  it('is judged by its PIN as it is now, also while everything is stopped', async () => {
    const world = await newWorld()
    const [ada = '', bob = ''] = await world.due(aHolder('ada'), aHolder('bob'))
    await world.ledger.gates.close(everything, ops)
    await world.hold(aHolder('ada', { setAt: monday - hourMs, expiresAt: monday + 365 * dayMs }))
    await world.drop(aHolder('bob'))
    expect(await world.scan()).toMatchObject({ planned: 0, skipped: { reset: 1, gone: 1 }, emptied: 2 })
    expect(await world.reminders()).toEqual({ 'pin-of-ada-1 7d': 'reset', 'pin-of-bob-1 7d': 'gone' })
    expect(await world.message(ada)).toMatchObject({ state: 'skipped' })
    expect(await world.message(bob)).toMatchObject({ state: 'skipped' })
  })

  it('and was held too long becomes superseded by the nearer stage, in the same message', async () => {
    const world = await newWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    await world.ledger.gates.close(everything, ops)
    world.clocks.businessAt = monday + 4 * dayMs
    expect(await world.scan()).toMatchObject({ planned: 1, skipped: { superseded: 1 }, emptied: 0 })
    expect(await world.reminders()).toEqual({ 'pin-of-ada-1 1d': 'open', 'pin-of-ada-1 7d': 'superseded' })
    expect(await world.message(id)).toMatchObject({ state: 'pending', stage: '1d' })
  })

  it('waits for its message while another to the same address is being sent', async () => {
    const world = await newWorld()
    const [first = ''] = await world.due(aHolder('ada'))
    const held = world.inbox.holdCalls()
    const sending = world.send(first)
    await world.inbox.waitFor(() => held.waiting.length === 1)

    await world.hold(aHolder('ada', { n: 2 }))
    expect(await world.scan()).toMatchObject({ planned: 1 })
    expect(await counts(world)).toMatchObject({ pending: 0, sending: 1 })

    held.release()
    await sending
    await world.scan()
    expect((await world.message(await world.pending())).reminders).toMatchObject([{ pinId: 'pin-of-ada-2' }])
  })

  it.each(['sending', 'in_doubt'])('and is in a message that is %s is left alone', async (state) => {
    const world = await newWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    const attempt = await claimed(world.ledger, id, { freshUntilMonotonicMs: Number.POSITIVE_INFINITY })
    if (state === 'in_doubt') await world.ledger.attempts.doubt(attempt, false, monday)
    await world.drop(aHolder('ada'))
    expect(await world.scan()).toMatchObject({ planned: 0, skipped: {}, emptied: 0 })
    expect(await world.message(id)).toMatchObject({ state, reminders: [{ outcome: null }] })
  })
})

describe('a portal that erred', () => {
  it.each([
    ['gone', async (world: World) => world.drop(aHolder('ada'))],
    ['revoked', async (world: World) => world.hold(aHolder('ada', { status: 'revoked' }))],
    ['no-address', async (world: World) => world.hold(aHolder('ada', { email: null }))],
  ])('and called a PIN %s is forgiven when it has it again at the same stage', async (reason, err) => {
    const world = await newWorld()
    const [first = ''] = await world.due(aHolder('ada'))
    await err(world)
    await world.scan()
    expect(await world.reminders()).toEqual({ 'pin-of-ada-1 7d': reason })

    const [second = ''] = await world.due(aHolder('ada'))
    expect(await world.reminders()).toEqual({ 'pin-of-ada-1 7d': 'open' })
    expect(second).not.toBe(first)
    expect(await world.message(first)).toMatchObject({ state: 'skipped' })
  })

  it('on the second page leaves what the first one brought, and the next scan goes on', async () => {
    const world = await newWorld()
    await holdMany(world, (n) => `person-${n}`)
    const failing = portalOf(world, (page) => (page === 2 ? Promise.reject(new Error('portal')) : undefined))
    await expect(world.scan({ pins: failing })).rejects.toThrow('portal')
    expect(Object.keys(await world.reminders())).toHaveLength(1_000)
    expect(await world.ledger.plans.lastScans()).toEqual([])

    expect(await world.scan()).toMatchObject({ examined: many, planned: many - 1_000 })
    expect(await counts(world)).toMatchObject({ pending: many })
  })

  it('when open reminders are judged decides nothing about any of them', async () => {
    const world = await newWorld()
    await world.due(aHolder('ada'))
    const pins = { ...portalOf(world, () => undefined), read: () => Promise.reject(new Error('portal')) }
    await expect(world.scan({ pins })).rejects.toThrow('portal')
    expect(await world.reminders()).toEqual({ 'pin-of-ada-1 7d': 'open' })
  })
})

describe('the lease', () => {
  /** A scan that waits for its first page until it is let go on. */
  async function waitingScan(world: World) {
    const began = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const pins = portalOf(world, () => {
      began.resolve()
      return goOn.promise
    })
    const scanning = world.scan({ pins })
    await began.promise
    return { scanning, goOn: () => goOn.resolve() }
  }

  it.each([
    ['of another process', thatProcess],
    ['of the same process', thisProcess],
  ])('lets one scan at a time: one %s does nothing meanwhile', async (_, worker) => {
    const world = await newWorld()
    await world.hold(aHolder('ada'))
    const { scanning, goOn } = await waitingScan(world)
    expect(await world.scan({ worker })).toBeNull()
    expect(await world.reminders()).toEqual({})
    goOn()
    expect(await scanning).toMatchObject({ planned: 1 })
    expect(await world.scan({ worker })).toMatchObject({ planned: 0 })
  })

  it('of a scan that failed is free at once', async () => {
    const world = await newWorld()
    const failing = portalOf(world, () => Promise.reject(new Error('portal')))
    await expect(world.scan({ pins: failing })).rejects.toThrow('portal')
    expect(await world.scan({ worker: thatProcess })).not.toBeNull()
  })

  it('of a process that is proven gone is taken over at once', async () => {
    const world = await newWorld()
    await world.hold(aHolder('ada'))
    await waitingScan(world)
    const gone: unknown[] = []
    const provenGone = (worker: unknown): boolean => {
      gone.push(worker)
      return true
    }
    expect(await world.scan({ worker: thatProcess, provenGone })).toMatchObject({ planned: 1 })
    expect(gone).toEqual([thisProcess])
    expect(world.log.events()).toContain('scan.taken-over')
  })

  it('of a process that may be alive is not, until it shows no progress for a minute', async () => {
    const world = await newWorld()
    await world.hold(aHolder('ada'))
    await waitingScan(world)
    world.shiftDatabaseTime(59_000)
    expect(await world.scan({ worker: thatProcess })).toBeNull()
    world.shiftDatabaseTime(1_001)
    expect(await world.scan({ worker: thatProcess })).toMatchObject({ planned: 1 })
  })

  it('that was lost ends the scan that had it, and leaves the new holder alone', async () => {
    const world = await newWorld()
    await world.hold(aHolder('ada'))
    const { scanning, goOn } = await waitingScan(world)
    world.shiftDatabaseTime(60_001)
    const second = await waitingScan(world)
    goOn()
    await expect(scanning).rejects.toThrow('was lost')
    expect(await world.scan({ worker: thatProcess })).toBeNull()
    second.goOn()
    expect(await second.scanning).not.toBeNull()
  })

  it('whose holder is named in a way that nobody can read is left to end', async () => {
    const world = await newWorld()
    await world.ledger.leases.acquire('scan:soft-pin', 'host:1', 60_000)
    expect(await world.scan({ provenGone: () => true })).toBeNull()
    world.shiftDatabaseTime(60_001)
    expect(await world.scan()).not.toBeNull()
  })

  it('is of one campaign: another one is scanned meanwhile', async () => {
    const world = await newWorld()
    await world.ledger.leases.acquire('scan:other', 'host:1', 60_000)
    expect(await world.scan()).not.toBeNull()
  })
})

it('ends between two pages when it is told to', async () => {
  const world = await newWorld()
  await holdMany(world, (n) => `person-${n}`)
  const abort = new AbortController()
  const pins = portalOf(world, () => abort.abort())
  await expect(scan({ ...world.ports, pins }, { campaign: world.campaign }, abort.signal)).rejects.toThrow(/abort/)
  expect(Object.keys(await world.reminders())).toHaveLength(1_000)
  expect(await world.scan()).toMatchObject({ planned: many - 1_000 })
})

describe('a portal that has lost its PINs', () => {
  it('closes the gate of the campaign, and what was skipped comes back with the PINs', async () => {
    const world = await newWorld()
    const pins = Array.from({ length: 300 }, (_, n) => aHolder(`person-${n}`))
    await world.hold(...pins)
    await world.scan()
    expect((await world.ledger.gates.read('soft-pin'))?.state).toBe('on')
    for (const pin of pins.slice(0, 200)) await world.drop(pin)
    expect(await world.scan(), 'also what comes after the page that told').toMatchObject({ skipped: { gone: 200 } })
    expect(await world.ledger.gates.read('soft-pin')).toMatchObject({
      state: 'off',
      actor: 'forewarn',
      reason: expect.stringMatching(/^guard: \d+ of \d+ PINs that were read again/),
    })
    expect(await world.ledger.gates.read(everything)).toMatchObject({ state: 'on' })
    expect(world.log.events()).toContain('guard.closed-campaign')

    await world.ledger.gates.open('soft-pin', ops, null)
    await world.scan()
    expect((await world.ledger.gates.read('soft-pin'))?.state, 'what is left is believed').toBe('on')
    await world.hold(...pins)
    await world.scan()
    expect(await counts(world)).toMatchObject({ pending: 300 })
  })
})
