import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type RunReport, runOnce } from '#app/run-once.ts'
import { bindJobs, type ServicePorts } from '#app/service.ts'
import { everything, type Ledger } from '#ledger/ledger.ts'
import type { PinSource } from '#pins/pins.ts'
import { BullmqQueue } from '#queue/bullmq-queue.ts'
import { aHolder, beforeClaim, callsOf, hourMs, monday, never, newWorld, ops, type World } from '../jobs/world.ts'
import { seedPending } from '../ledger/fixtures.ts'
import { claimed } from '../ledger/sending.ts'
import { type Stack, stacks } from '../queue/stacks.ts'

const [embedded] = stacks
let stack: Stack
let queues = 0

beforeAll(async () => {
  if (embedded === undefined) throw new Error('no stack')
  stack = await embedded.open()
})
afterAll(() => stack.close())

interface RunOptions extends Partial<ServicePorts> {
  readonly campaign?: string
  readonly signal?: AbortSignal
  /** Happens whenever the queue has run dry. */
  readonly onDrained?: () => void
}

/** One run, on a queue of its own that calls SES for one message at a time. */
async function run(world: World, options: RunOptions = {}): Promise<RunReport> {
  const { campaign = null, signal = never, onDrained, ...differs } = options
  queues += 1
  const queue = new BullmqQueue(stack.backend, `run${queues}`, world.log)
  onTestFinished(() => queue.stop(0))
  if (onDrained !== undefined) {
    const drained = queue.drained.bind(queue)
    queue.drained = async (one) => {
      await drained(one)
      onDrained()
    }
  }
  const rate = { perSecond: 1_000, reserve: 0 }
  return runOnce(
    bindJobs({ ...world.ports, queue, rate, concurrency: 1, addressDays: 90, ...differs }),
    campaign,
    signal,
  )
}

function people(n: number) {
  return Array.from({ length: n }, (_, index) => aHolder(`person-${index}`))
}

describe('a single run', () => {
  it('sends what is due, and its counts add up to what the ledger says', async () => {
    const world = await newWorld({
      faults: {
        faults: [
          { fault: 'reject', when: { to: 'refused@*' } },
          { fault: 'error-500', when: { to: 'doubtful@*' } },
        ],
      },
    })
    await world.hold(
      aHolder('ada'),
      aHolder('ada', { n: 2 }),
      aHolder('bob'),
      aHolder('cy', { status: 'revoked' }),
      aHolder('refused'),
      aHolder('doubtful'),
    )
    const report = await run(world)
    expect(report).toEqual({
      at: monday,
      refused: null,
      interrupted: false,
      scanned: { 'soft-pin': { examined: 6, planned: 5 } },
      messages: { sent: 2, failed: 1, skipped: 0, inDoubt: 1, pending: 0 },
      reminders: { sent: 3, failed: 1, inDoubt: 1, pending: 0, skipped: { revoked: 1 } },
      waiting: {},
      durationMs: expect.any(Number),
    })
    expect((await world.ledger.reports.countsByCampaign()).get('soft-pin')).toEqual({
      pending: 0,
      sending: 0,
      sent: 2,
      in_doubt: 1,
      failed: 1,
      skipped: 0,
    })
    expect(Object.values(await world.reminders()).sort()).toEqual(['failed', 'open', 'revoked', 'sent', 'sent', 'sent'])
  })

  it('sends nothing twice when it is run again', async () => {
    const world = await newWorld()
    await world.hold(...people(3))
    await run(world)
    expect((await run(world)).messages).toEqual({ sent: 0, failed: 0, skipped: 0, inDoubt: 0, pending: 0 })
    expect(callsOf(world)).toHaveLength(3)
  })

  it('counts what a message lost between the scan and the mail', async () => {
    const world = await newWorld()
    await world.due(aHolder('ada'), aHolder('bob'))
    const { messages, reminders } = await run(world, {
      pins: afterScan(world, async (ids) => {
        const read = await world.pinTable.read(ids)
        return new Map([...read].map(([id, pin]) => [id, id.includes('bob') ? { ...pin, status: 'revoked' } : pin]))
      }),
    })
    expect(messages).toMatchObject({ sent: 1, skipped: 1, pending: 0 })
    expect(reminders).toMatchObject({ sent: 1, skipped: { revoked: 1 } })
  })

  it('keeps to one campaign when it is told to', async () => {
    const world = await newWorld()
    await world.hold(aHolder('ada'))
    const [other = ''] = await seedPending(world.ledger, 1, { campaign: 'other' })
    const report = await run(world, { campaign: 'soft-pin' })
    expect(Object.keys(report.scanned)).toEqual(['soft-pin'])
    expect(report.messages).toMatchObject({ sent: 1, skipped: 0, pending: 1 })
    expect(await world.message(other)).toMatchObject({ state: 'pending', reminders: [{ outcome: null }] })
  })

  it('sends for the other campaigns when one cannot be scanned, and ends with its failure', async () => {
    const world = await newWorld()
    await world.hold(aHolder('ada'))
    await seedPending(world.ledger, 1, { campaign: 'broken' })
    const pins: PinSource = Object.create(world.ports.pins)
    let pages = 0
    pins.page = (query, after, limit) => {
      pages += 1
      return pages === 1 ? Promise.reject(new Error('the portal is out')) : world.ports.pins.page(query, after, limit)
    }
    await expect(run(world, { pins })).rejects.toThrow('the portal is out')
    expect(callsOf(world).map(({ to }) => to)).toContainEqual(['ada@example.org'])
  })

  it('has nothing to do when no campaign is on', async () => {
    const world = await newWorld()
    await world.hold(aHolder('ada'))
    await world.ledger.gates.close('soft-pin', ops)
    expect(await run(world)).toMatchObject({ refused: null, scanned: {}, messages: { sent: 0 }, waiting: {} })
    expect(world.inbox.calls.begun).toBe(0)
  })

  it.each<[RunReport['refused'], (world: World) => Promise<RunOptions>]>([
    [
      'gate',
      async (world) => {
        await world.ledger.gates.close(everything, ops)
        return {}
      },
    ],
    ['stale-source', async () => ({ stale: async () => true })],
  ])('refuses before it scans: %s', async (refused, setUp) => {
    const world = await newWorld()
    await world.hold(aHolder('ada'))
    expect(await run(world, await setUp(world))).toMatchObject({ refused, scanned: {} })
    expect(await world.reminders()).toEqual({})
    expect(world.inbox.calls.begun).toBe(0)
  })

  it('first turns into doubts what a process that is gone has left behind', async () => {
    const world = await newWorld()
    const [id = ''] = await world.due(aHolder('ada'))
    await claimed(world.ledger, id, { freshUntilMonotonicMs: Number.POSITIVE_INFINITY })
    await run(world, { provenGone: () => true })
    expect(await world.message(id)).toMatchObject({ state: 'in_doubt' })
    expect(callsOf(world)).toEqual([])
  })
})

describe('a run ends when nothing may be sent now, and says why', () => {
  it('as under a hold', async () => {
    const world = await newWorld({ faults: { faults: [{ fault: 'paused' }] } })
    await world.hold(...people(4))
    const { messages, reminders, waiting } = await run(world)
    expect(messages).toEqual({ sent: 0, failed: 0, skipped: 0, inDoubt: 0, pending: 4 })
    expect(reminders.pending).toBe(4)
    expect(waiting).toEqual({ 'back-off': 1, hold: 3 })
    expect(callsOf(world)).toHaveLength(1)
  })

  it('as at the end of the quota', async () => {
    const world = await newWorld({ faults: { faults: [{ fault: 'daily-quota', recipients: 2 }] } })
    await world.hold(...people(4))
    const { messages, waiting } = await run(world)
    expect(messages).toMatchObject({ sent: 2, pending: 2 })
    expect(waiting).toEqual({ 'back-off': 1, quota: 1 })
  })

  it('as when our own share of the day is used up', async () => {
    const world = await newWorld()
    await world.hold(...people(4))
    world.inbox.account.max24HourSend = 2
    const { messages, waiting } = await run(world)
    expect(messages).toMatchObject({ sent: 2, pending: 2 })
    expect(waiting).toEqual({ quota: 2 })
  })

  it.each([
    ['soft-pin', 'campaign-off'],
    [everything, 'gate'],
  ])('as when gate %s is closed while it sends', async (scope, reason) => {
    const world = await newWorld()
    await world.hold(...people(4))
    const { messages, waiting } = await run(world, { ledger: closingAfter(world.ledger, 2, scope) })
    expect(messages).toMatchObject({ sent: 2, pending: 2 })
    expect(waiting).toEqual({ [reason]: 2 })
    expect(callsOf(world)).toHaveLength(2)
  })

  it('as outside the window', async () => {
    const world = await newWorld()
    world.clocks.businessAt = monday + 8 * hourMs
    await world.hold(...people(2))
    expect(await run(world)).toMatchObject({ messages: { sent: 0, pending: 2 }, waiting: { window: 2 } })
  })

  it('as at the limit of its campaign, in the midst of the window', async () => {
    const world = await newWorld({ campaign: { limit: { perHour: 3, perDay: null } } })
    await world.hold(...people(5))
    expect(await run(world)).toMatchObject({ messages: { sent: 3, pending: 2 }, waiting: { limit: 2 } })
  })

  it('as at the cap of an address', async () => {
    const world = await newWorld()
    const policy = { ...world.ports.policy, perAddressPerDay: 1 }
    await world.hold(aHolder('ada'))
    await run(world, { policy })
    await world.hold(aHolder('ada', { n: 2 }))
    expect(await run(world, { policy })).toMatchObject({ messages: { sent: 0, pending: 1 }, waiting: { cap: 1 } })
  })

  it('as while the portal is silent', async () => {
    const world = await newWorld()
    await world.due(...people(2))
    const pins = afterScan(world, () => Promise.reject(new Error('portal')))
    expect(await run(world, { pins })).toMatchObject({
      messages: { sent: 0, pending: 2 },
      waiting: { portal: 2 },
    })
  })

  it('as when it is told to: the call that has begun is still counted', async () => {
    const world = await newWorld()
    await world.hold(...people(4))
    const ledger = beforeClaim(world.ledger, () => world.end.abort())
    expect(await run(world, { ledger, signal: world.end.signal })).toMatchObject({
      interrupted: true,
      messages: { sent: 1, inDoubt: 0, pending: 3 },
    })
    expect(callsOf(world)).toHaveLength(1)
    expect(await world.ledger.attempts.open()).toEqual([])
  })
})

describe('a message that is to be tried again within seconds', () => {
  /** SES throttles the second call, and what `more` calls after it. */
  const throttling = (more = 0) => ({
    faults: { faults: [{ fault: 'rate' as const, perSecond: 0.001, when: { next: 2 + more } }] },
  })

  /** Business time goes on by itself, and makes a leap whenever the queue has run dry. */
  function leaping(world: World, leapMs: number): () => void {
    const start = performance.now()
    let leaptMs = 0
    world.clocks.business = () => monday + leaptMs + Math.round(performance.now() - start)
    return () => (leaptMs += leapMs)
  }

  it('is waited for while others get through', async () => {
    const world = await newWorld(throttling())
    await world.hold(...people(2))
    expect(await run(world, { onDrained: leaping(world, 4_950) })).toMatchObject({
      messages: { sent: 2, pending: 0 },
      waiting: {},
    })
    expect(callsOf(world)).toHaveLength(3)
  })

  it('is not waited for when nobody gets through', async () => {
    const world = await newWorld(throttling(10))
    await world.hold(aHolder('ada'))
    await run(world)
    await world.hold(aHolder('bob'), aHolder('cy'))
    expect(await run(world, { onDrained: leaping(world, 3_000) })).toMatchObject({
      messages: { sent: 0, pending: 2 },
      waiting: { 'back-off': 2 },
    })
    expect(callsOf(world)).toHaveLength(3)
  })
})

it('takes more messages than one feed brings', async () => {
  const world = await newWorld()
  await world.hold(...people(30))
  const report = await run(world, { rate: { perSecond: 0.1, reserve: 0 } })
  expect(report.messages).toMatchObject({ sent: 30, pending: 0 })
})

/** The same ledger, whose gate is closed right before the claim that follows `claims` others. */
function closingAfter(ledger: Ledger, claims: number, scope: string): Ledger {
  let made = 0
  return beforeClaim(ledger, async () => {
    if (made === claims) await ledger.gates.close(scope, ops)
    made += 1
  })
}

/** The portal, which gives other answers when PINs are read again before their mails. */
function afterScan({ pinTable }: World, read: PinSource['read']): PinSource {
  let reads = 0
  return {
    page: (query, after, limit) => pinTable.page(query, after, limit),
    read: (ids) => {
      reads += 1
      return reads === 1 ? pinTable.read(ids) : read(ids)
    },
    refreshedAt: () => pinTable.refreshedAt(),
  }
}
