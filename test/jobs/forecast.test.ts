import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lastTick, nextTickOf } from '#app/scan-ticks.ts'
import { recipientNumber } from '#core/arrivals.ts'
import { addDays, localDate, startOfDay } from '#core/calendar.ts'
import type { Campaign } from '#core/campaign.ts'
import { limitsByCampaign } from '#core/caps.ts'
import { judge } from '#core/decide.ts'
import type { Instant } from '#core/instant.ts'
import { recipientOf } from '#core/recipient.ts'
import { type ForecastDay, forecast } from '#jobs/forecast.ts'
import { reread } from '#jobs/reread.ts'
import { scan } from '#jobs/scan.ts'
import type { SendPorts } from '#jobs/send.ts'
import { editionOf } from '#mail/edition.ts'
import { aCampaign } from '../core/given.ts'
import { someCampaign, somePeople } from './any-people.ts'
import { aHolder, hourMs, monday, never, newWorld, ops, template, type World } from './world.ts'

const days = 9

/** What a forecast knows nothing of, without a hitch: slots for everybody, any words, and an SES that accepts at once. */
const smooth: Partial<SendPorts> = {
  composer: { compose: () => ({ raw: new Uint8Array() }) } as unknown as SendPorts['composer'],
  pace: { slot: async () => ({ expired: () => false }) },
  mailer: {
    send: async () => ({
      outcome: 'accepted',
      sesId: 'ses',
      code: null,
      requestId: null,
      quotaUsedUp: false,
      unreachable: false,
      beganAt: 0,
      endedAt: 0,
    }),
  } as unknown as SendPorts['mailer'],
}

const quarterMs = hourMs / 4

/** Lets a service run: scans at the ticks of the campaigns' clocks, and sends all that may be sent whenever there is something. */
class Service {
  readonly #world: World
  readonly #campaigns: readonly Campaign[]
  readonly #perAddressPerDay: number | null
  readonly sent = new Set<string>()
  readonly heldBack = new Set<string>()
  readonly sentOn: Record<string, number> = {}

  constructor(world: World, campaigns: readonly Campaign[], perAddressPerDay: number | null) {
    this.#world = world
    this.#campaigns = campaigns
    this.#perAddressPerDay = perAddressPerDay
  }

  /** What a forecast says, from what happened. */
  asForecast(dates: readonly string[]): ForecastDay[] {
    const over = [...this.heldBack].filter((key) => !this.sent.has(key))
    const each = (count: (campaign: string, date: string) => number, date: string) =>
      Object.fromEntries(this.#campaigns.map(({ key }) => [key, count(key, date)]))
    const overOn = (campaign: string, date: string) =>
      over.filter((key) => key.startsWith(`${campaign} ${date} `)).length
    const sentOn = (campaign: string, date: string) => this.sentOn[`${campaign} ${date}`] ?? 0
    return dates.map((date) => ({
      date,
      messages: each((campaign, on) => sentOn(campaign, on) + overOn(campaign, on), date),
      over: each(overOn, date),
    }))
  }

  async run(untilAt: Instant): Promise<void> {
    const { clocks } = this.#world
    const ticks = this.#campaigns.map(nextTickOf)
    await this.#makeUp()
    for (;;) {
      const isHeldUp = await this.#sendAll()
      const now = clocks.businessAt
      const quarter = (Math.floor(now / quarterMs) + 1) * quarterMs
      const [row] = await this.#world.look(
        `select min(not_before) as at from message where state = 'pending' and not_before > ${now}`,
      )
      const wakeAt = typeof row?.at === 'number' ? row.at : Number.POSITIVE_INFINITY
      const tickAts = ticks.map((nextTick) => nextTick(now + 1))
      clocks.businessAt = Math.min(...tickAts, wakeAt, isHeldUp ? quarter : Number.POSITIVE_INFINITY)
      if (clocks.businessAt >= untilAt) return
      for (const [n, campaign] of this.#campaigns.entries()) {
        if (tickAts[n] === clocks.businessAt) await this.#scan(campaign)
      }
    }
  }

  /** A service that starts makes up at once for a tick that found nobody. */
  async #makeUp(): Promise<void> {
    const scans = await this.#world.ledger.plans.lastScans()
    for (const campaign of this.#campaigns) {
      const scannedAt = scans.find((one) => one.campaign === campaign.key)?.startedAt ?? 0
      if (scannedAt < lastTick(campaign, this.#world.clocks.businessAt)) await this.#scan(campaign)
    }
  }

  async #scan(campaign: Campaign): Promise<void> {
    await scan(this.#world.ports, { campaign }, never)
  }

  /** One after the other, in the order of the ledger; of equals, in an order that a forecast can know. True when something waits for room. */
  async #sendAll(): Promise<boolean> {
    const { ledger, clocks } = this.#world
    const at = clocks.businessAt
    const ids = new Set(await ledger.outbox.sendable(at, 1_000))
    if (ids.size === 0) return false
    const rows = await this.#world.look(
      "select id, campaign, recipient_key, priority, not_before from message where state = 'pending'",
    )
    const ready = rows.map((row) => ({
      id: String(row.id),
      campaign: String(row.campaign),
      rank: [Number(row.priority), Number(row.not_before), recipientNumber(String(row.recipient_key))],
    }))
    const inOrder = ready.filter(({ id }) => ids.has(id)).sort(byRank)
    let isHeldUp = false
    for (const { id, campaign } of inOrder) {
      const rooms = await ledger.outbox.rooms(limitsByCampaign(this.#campaigns, at))
      if (rooms.get(campaign) === 0) {
        isHeldUp = true
        if (await this.#isCurrent(id, campaign)) this.heldBack.add(this.#dayOf(campaign, id))
      } else {
        await this.#send(id, campaign)
      }
    }
    return isHeldUp
  }

  async #send(id: string, campaign: string): Promise<void> {
    const policy = { ...this.#world.ports.policy, perAddressPerDay: this.#perAddressPerDay }
    const { result } = await this.#world.send(id, { ...smooth, policy })
    const day = this.#dayOf(campaign, id)
    if (result === 'sent') {
      this.sent.add(day)
      const on = day.slice(0, day.lastIndexOf(' '))
      this.sentOn[on] = (this.sentOn[on] ?? 0) + 1
    }
    if (result === 'deferred' && (await this.#world.message(id)).wait === 'cap') this.heldBack.add(day)
  }

  async #isCurrent(id: string, key: string): Promise<boolean> {
    const { ledger, pinTable, clocks } = this.#world
    const message = await ledger.outbox.load(id)
    if (message === null) return false
    const { pins, recipients } = await reread({ ledger, pins: pinTable }, message.reminders)
    return message.reminders.some((reminder) => {
      const pin = pins.get(reminder.pinId)
      const campaign = this.#campaign(key)
      return judge(reminder, pin, campaign, recipientOf(pin, recipients), clocks.businessAt) === 'current'
    })
  }

  #dayOf(key: string, id: string): string {
    return `${key} ${localDate(this.#world.clocks.businessAt, this.#campaign(key).timeZone)} ${id}`
  }

  #campaign(key: string): Campaign {
    const found = this.#campaigns.find((campaign) => campaign.key === key)
    if (found === undefined) throw new Error(`no campaign ${key}`)
    return found
  }
}

function byRank(one: { rank: readonly number[] }, other: { rank: readonly number[] }): number {
  for (const [n, value] of one.rank.entries()) {
    const difference = value - (other.rank[n] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

async function foretold(
  world: World,
  campaigns: readonly Campaign[],
  perAddressPerDay: number | null,
  own: (campaign: Campaign) => 'on' | 'off' = () => 'on',
) {
  const policy = { perAddressPerDay, rate: { perSecond: null, reserve: 0 } }
  const ports = { ledger: world.ledger, pins: world.pinTable, nextTick: nextTickOf, lastTick, policy }
  const given = campaigns.map((campaign) => ({ campaign, own: own(campaign) }))
  return forecast(ports, { campaigns: given, at: world.clocks.business(), days }, never)
}

const anyStory = fc.record({
  first: someCampaign,
  second: someCampaign,
  people: somePeople,
  perAddressPerDay: fc.constantFrom(null, 1, 1, 2),
  /** Something is open already when the forecast is made. */
  scannedHoursBefore: fc.constantFrom(null, 3, 30),
})

describe('a forecast', () => {
  it('is what is then sent, day by day, through zones, windows, spreads, digests, caps and limits', async () => {
    await fc.assert(
      fc.asyncProperty(anyStory, async ({ first, second, people, perAddressPerDay, scannedHoursBefore }) => {
        const world = await newWorld({ campaign: first })
        const other = aCampaign({ facts: world.campaign.facts, ...second, key: 'second' })
        await world.ledger.editions.enable(editionOf(other, template), ops)
        const campaigns = [world.campaign, other]
        await world.hold(...people)
        if (scannedHoursBefore !== null) {
          world.clocks.businessAt = monday - scannedHoursBefore * hourMs
          await world.scan()
          world.clocks.businessAt = monday
        }

        const told = await foretold(world, campaigns, perAddressPerDay)
        const dates = told.map(({ date }) => date)
        const service = new Service(world, campaigns, perAddressPerDay)
        const untilDate = addDays(dates.at(-1) ?? '', 1)
        await service.run(Math.max(...campaigns.map(({ timeZone }) => startOfDay(untilDate, timeZone))))
        expect(told).toEqual(service.asForecast(dates))
      }),
      { numRuns: 6, endOnFailure: true },
    )
  }, 600_000)

  it('knows what of a limit is used already, and when what is put off may go', async () => {
    const world = await newWorld({ campaign: { limit: { perHour: null, perDay: 2 } } })
    const [first = '', capped = ''] = await world.due(aHolder('ada'), aHolder('bob'), aHolder('cyd'), aHolder('dan'))
    await world.send(first, smooth)
    await world.ledger.outbox.defer(capped, {
      notBefore: monday + 23 * hourMs,
      notAfter: monday + 31 * hourMs,
      wait: 'cap',
    })
    const told = await foretold(world, [world.campaign], null)
    expect(told.slice(0, 3).map(({ messages, over }) => [messages['soft-pin'], over['soft-pin']])).toEqual([
      [2, 1],
      [2, 0],
      [0, 0],
    ])
  })

  it('takes from what all share nothing for a campaign that is off', async () => {
    const world = await newWorld()
    const off = aCampaign({ ...world.campaign, key: 'off' })
    await world.hold(aHolder('ada'), aHolder('bob'))
    const own = ({ key }: Campaign) => (key === 'off' ? 'off' : 'on')
    const [today] = await foretold(world, [off, world.campaign], 1, own)
    expect(today).toEqual({
      date: '2026-11-23',
      messages: { off: 2, 'soft-pin': 2 },
      over: { off: expect.any(Number), 'soft-pin': 0 },
    })
    const [both] = await foretold(world, [off, world.campaign], 1)
    expect((both?.over.off ?? 0) + (both?.over['soft-pin'] ?? 0)).toBe(2)
  })

  it('has a day of nothing for every date asked for, also without a campaign', async () => {
    const world = await newWorld()
    expect(await foretold(world, [], 1)).toHaveLength(days)
    const [first, last] = [await foretold(world, [world.campaign], 1)].flatMap((told) => [told[0], told.at(-1)])
    expect(first).toEqual({ date: '2026-11-23', messages: { 'soft-pin': 0 }, over: { 'soft-pin': 0 } })
    expect(last?.date).toBe('2026-12-01')
  })
})
