import { expect, it } from 'vitest'
import type { Stage } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import { type Pin, versionOf } from '#core/pin.ts'
import { skipReasons } from '#core/reminder.ts'
import { seededRandom } from '#core/seeded-random.ts'
import { feed } from '#jobs/feed.ts'
import { aPin, instant, officeHours } from '../core/given.ts'
import { dayMs, hourMs, newWorld, ops, type World } from '../jobs/world.ts'
import { type Event, storyOf, type Told } from './any-story.ts'
import { comesDueAt, type FiledMail, foretell, type Outcome, type Tick } from './oracle.ts'
import { seed } from './runs.ts'

/*
 * Forty-six days of 200 PINs, through the real scan, feed and send, over a real ledger and the real SES client, beside
 * what the oracle says of the same days. In three of the zones clocks are changed on the way.
 */

const zones = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Tongatapu'] as const
const beginAt = instant('2027-03-03T00:00Z')
const days = 46
const outage = { fromAt: beginAt + 18 * dayMs, toAt: beginAt + 28 * dayMs }
const everyMs = 4 * hourMs
/** From a scan to its mails: what happens in between, the re-read before the mail finds. */
const lagMs = hourMs / 6

it('46 days of 200 PINs in five zones go as the oracle foretells, to the last mail and the last reason', async () => {
  const world = await newWorld({
    campaign: { stages: ['14d', '7d', '1d', 'expired'], window: officeHours, graceDays: 5 },
  })
  const story = aStory(world)

  await live(world, story)

  const foretold = foretell(story)
  expect(await sent(world)).toEqual(inOrder(foretold.mails))
  expect(await decided(world)).toEqual(foretold.reminders)

  // All that was to be tried has happened.
  expect(foretold.mails.length).toBeGreaterThan(200)
  const reasons = skipReasons.filter((reason) => !Object.values(foretold.reminders).includes(reason))
  expect(reasons, 'reasons that did not occur').toEqual([])
  await expectRightPeople(world, story)
  expectNearestStageOnce(foretold, story)
}, 300_000)

/** No mail went to anybody but who holds all of its PINs at that moment, and to none who is silenced. */
async function expectRightPeople(world: World, story: Told): Promise<void> {
  for (const mail of world.inbox.mails.list()) {
    const message = await world.message(mail.tags.find(({ name }) => name === 'message')?.value ?? '')
    const at = message.sentAt ?? Number.NaN
    const holders = new Map(story.portal(at).map((pin) => [pin.pinId, pin.email]))
    for (const { pinId, outcome } of message.reminders) {
      if (outcome === 'sent') expect(mail.to).toEqual([holders.get(pinId)])
    }
    expect(story.person(mail.to[0] ?? '', at).suppressed).toBe(false)
  }
}

/** In the days without a run nobody is written to; of the stages that a PIN missed then, only the nearest is made up for. */
function expectNearestStageOnce({ mails, reminders }: Outcome, { pins, campaign }: Told): void {
  expect(mails.filter(({ at }) => at >= outage.fromAt && at < outage.toAt)).toEqual([])
  const madeUpFor = pins.map((pin) => {
    const missed = campaign.stages.filter((stage) => {
      const dueAt = comesDueAt(stage, pin, campaign, null)
      return dueAt >= outage.fromAt && dueAt < outage.toAt
    })
    const sent = missed.filter((stage) => reminders[`${pin.pinId} ${versionOf(pin)} ${stage}`] === 'sent')
    expect(sent).toEqual(missed.slice(-1).filter((stage) => sent.includes(stage)))
    return { missed: missed.length, sent: sent.length }
  })
  expect(madeUpFor.filter(({ missed, sent }) => missed > 1 && sent === 1).length).toBeGreaterThan(5)
}

// ---------------------------------------------------------------- living through it

/** Runs the jobs at every tick, and lets happen in the portal what the story says, when it says. */
async function live(world: World, { ticks, pins, events, perAddressPerDay }: Told): Promise<void> {
  const { clocks, ledger } = world
  const policy = { ...world.ports.policy, perAddressPerDay }
  const now = new Map<string, Pin>(pins.map((pin) => [pin.pinId, pin]))
  const ahead = [...events]
  await world.hold(...pins)
  for (const { scanAt, sendAt } of ticks) {
    if (scanAt !== null) {
      await happenUntil(scanAt)
      await world.scan()
    }
    if (sendAt !== null) {
      await happenUntil(sendAt)
      await sendAll()
    }
  }

  async function happenUntil(at: Instant): Promise<void> {
    for (let next = ahead[0]; next !== undefined && next.at <= at; next = ahead[0]) {
      ahead.shift()
      await happen(next)
    }
    clocks.businessAt = at
  }

  async function happen(event: Event): Promise<void> {
    if ('address' in event) {
      await (event.suppressed
        ? ledger.suppressions.add(event.address, ops)
        : ledger.suppressions.remove(event.address, ops))
      return
    }
    const { gone, ...changes } = event.becomes
    const pin = { ...(now.get(event.pinId) as Pin), ...changes }
    now.set(event.pinId, pin)
    await (gone === true ? world.drop(pin) : world.hold(pin))
  }

  /** Feeds until nothing may be sent any more; the queue between is a list. */
  async function sendAll(): Promise<void> {
    const queued: string[] = []
    const addSends = async (ids: readonly string[]) => void queued.push(...ids)
    const rate = { perSecond: 1_000, reserve: 0 }
    while ((await feed({ ledger, queue: { addSends }, clocks, rate })).fed > 0) {
      await Promise.all(queued.splice(0).map((id) => world.send(id, { policy })))
    }
  }
}

/** What the inbox has, with what the ledger says that each mail told of. */
async function sent(world: World): Promise<FiledMail[]> {
  const mails = await Promise.all(
    world.inbox.mails.list().map(async ({ to, tags }): Promise<FiledMail> => {
      const tag = (wanted: string) => tags.find(({ name }) => name === wanted)?.value ?? ''
      const message = await world.message(tag('message'))
      const holds = message.reminders.flatMap(({ pinId, stage, outcome }) =>
        outcome === 'sent' ? [`${pinId} ${stage}`] : [],
      )
      const at = message.sentAt ?? Number.NaN
      return { to: (to[0] ?? '').toLowerCase(), stage: tag('stage') as Stage, holds: holds.sort(), at }
    }),
  )
  return inOrder(mails)
}

function inOrder(mails: readonly FiledMail[]): FiledMail[] {
  return mails.toSorted((one, other) => one.at - other.at || (one.to < other.to ? -1 : 1))
}

async function decided(world: World): Promise<Record<string, unknown>> {
  const rows = await world.look(
    "select pin_id || ' ' || version || ' ' || stage as name, coalesce(reason, outcome, 'open') as end from reminder",
  )
  return Object.fromEntries(rows.map(({ name, end }) => [name, end]))
}

// ---------------------------------------------------------------- what happens

function aStory({ campaign }: World): Told {
  const random = seededRandom(seed)
  const between = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1))
  const some = <T>(choices: readonly T[]): T => choices[between(0, choices.length - 1)] as T

  const pins = Array.from({ length: 200 }, (_, number): Pin => {
    const person = between(0, 129)
    const zone = zones[person % zones.length] as string
    const expiresAt = beginAt + between(-8 * 24 * 60, 62 * 24 * 60) * 60_000
    return aPin({
      pinId: `pin-${number}`,
      email: number % 40 === 7 ? null : addressOf(person),
      // Some PINs of a person are kept by another office.
      timeZone: between(1, 8) === 1 ? some([null, ...zones]) : zone,
      status: number % 40 === 11 ? 'none' : 'active',
      setAt: between(1, 4) === 1 ? expiresAt - between(1, 30 * 24) * hourMs : null,
      expiresAt,
    })
  })
  const ticks = everyTick()

  /** Right after a scan has found a stage of this PIN due, and before the mail; for one in three at any other moment. */
  function moment(pin: Pin): Instant {
    const dueAt = comesDueAt(some(campaign.stages), pin, campaign, null)
    const found = ticks.find(({ scanAt }) => scanAt !== null && scanAt >= Math.max(dueAt, beginAt))
    const foundAt = found?.scanAt ?? null
    return foundAt === null || between(1, 3) === 1 ? beginAt + between(1, days * 24) * hourMs : foundAt + 1
  }

  const events: Event[] = []
  const change = (pin: Pin, at: Instant, becomes: Partial<Pin> & { gone?: boolean }) => {
    events.push({ at, pinId: pin.pinId, becomes })
  }
  for (const [number, pin] of pins.entries()) {
    const at = moment(pin)
    const later = at + between(1, 6) * dayMs
    if (number % 8 === 0) change(pin, at, { setAt: at, expiresAt: at + 90 * dayMs })
    else if (number % 10 === 1) change(pin, at, { expiresAt: pin.expiresAt + some([-9, -2, 3, 12]) * dayMs })
    else if (number % 10 === 2) change(pin, at, { status: 'revoked' })
    else if (number % 10 === 3)
      change(pin, at, { email: some([addressOf(between(0, 129)), `new-${number}@example.org`]) })
    else if (number % 25 === 4) change(pin, at, { gone: true })
    else if (number % 25 === 5) change(pin, at, { email: null })
    else if (number % 25 === 6) change(pin, at, { timeZone: some(zones) })
    // The portal takes it back now and then.
    if (number % 20 === 2) change(pin, later, { status: 'active' })
    if (number % 50 === 4) change(pin, later, { gone: false })
    if (number % 50 === 5) change(pin, later, { email: pin.email })
    if (number % 25 === 9 && pin.email !== null) {
      events.push({ at, address: pin.email, suppressed: true })
      if (number % 50 === 9) events.push({ at: later, address: pin.email, suppressed: false })
    }
  }
  events.sort((one, other) => one.at - other.at)
  return storyOf({ campaign, pins, ticks, events, perAddressPerDay: 1 })
}

function addressOf(person: number): string {
  return `person-${person}@example.org`
}

/** Every four hours, but for the days without a run. */
function everyTick(): Tick[] {
  return Array.from({ length: (days * dayMs) / everyMs }, (_, number) => beginAt + number * everyMs)
    .filter((scanAt) => scanAt < outage.fromAt || scanAt >= outage.toAt)
    .map((scanAt) => ({ scanAt, sendAt: scanAt + lagMs }))
}
