import { describe, expect, it } from 'vitest'
import { feed } from '#jobs/feed.ts'
import { everything, type Ledger } from '#ledger/ledger.ts'
import { seedPending } from '../ledger/fixtures.ts'
import { answerOf, claimed } from '../ledger/sending.ts'
import { aHolder, dayMs, hourMs, monday, newWorld, ops, type World } from './world.ts'

const fast = { perSecond: 10, reserve: 0 }

/** Feeds once; gives what was queued, in order. */
async function fed(world: World, rate = fast, campaign?: string): Promise<string[]> {
  const queued: string[] = []
  const queue = { addSends: async (ids: readonly string[]) => void queued.push(...ids) }
  const { ledger, clocks } = world
  expect(await feed({ ledger, queue, clocks, rate }, campaign)).toEqual({ fed: queued.length })
  return queued
}

async function putInOutage(ledger: Ledger, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const attempt = await claimed(ledger, id, { freshUntilMonotonicMs: Number.POSITIVE_INFINITY })
    await ledger.outbox.settle(answerOf(id, attempt, 'unknown'))
  }
}

describe('the feed', () => {
  it('brings the most urgent stage first, and of one stage what waits longest', async () => {
    const world = await newWorld()
    const seven = await seedPending(world.ledger, 1, { campaign: 'seven', stage: '7d' })
    const expired = await seedPending(world.ledger, 1, { campaign: 'expired', stage: 'expired' })
    const one = await seedPending(world.ledger, 1, { campaign: 'one', stage: '1d' })
    const older = await seedPending(world.ledger, 1, { campaign: 'older', stage: '7d', notBefore: monday - dayMs })
    expect(await fed(world)).toEqual([...expired, ...one, ...older, ...seven])
  })

  it('brings nothing whose time has not come, or whose opening has passed', async () => {
    const world = await newWorld()
    const due = await seedPending(world.ledger, 1, { campaign: 'due', notAfter: monday + 1 })
    await seedPending(world.ledger, 1, { campaign: 'early', notBefore: monday + 1 })
    await seedPending(world.ledger, 1, { campaign: 'late', notBefore: monday - dayMs, notAfter: monday })
    expect(await fed(world)).toEqual(due)
  })

  it('passes by a campaign whose gate is closed, and everything while all is stopped', async () => {
    const world = await newWorld()
    const open = await seedPending(world.ledger, 1, { campaign: 'open' })
    await seedPending(world.ledger, 1, { campaign: 'closed' })
    await world.ledger.gates.close('closed', ops)
    expect(await fed(world)).toEqual(open)
    await world.ledger.gates.close(everything, ops)
    expect(await fed(world)).toEqual([])
  })

  it('keeps to one campaign when it is told to', async () => {
    const world = await newWorld()
    await seedPending(world.ledger, 1, { campaign: 'other' })
    const mine = await seedPending(world.ledger, 1, { campaign: 'mine' })
    expect(await fed(world, fast, 'mine')).toEqual(mine)
  })

  it('brings two minutes of work, at the rate that SES and the policy allow', async () => {
    const world = await newWorld()
    await seedPending(world.ledger, 40)
    expect(await fed(world, { perSecond: 0.2, reserve: 0 })).toHaveLength(24)
    await world.ledger.pace.setQuota({ max24Hour: null, maxPerSecond: 0.2, sentLast24Hours: 0 })
    expect(await fed(world, { perSecond: 10, reserve: 0.5 })).toHaveLength(12)
  })

  it('brings no more of a campaign than its limits have room for: the rest would burn slots, only to be refused', async () => {
    const world = await newWorld({ campaign: { window: null, limit: { perHour: 3, perDay: null } } })
    const ids = await world.due(...['ada', 'bob', 'cy', 'dan', 'eve'].map((who) => aHolder(who)))
    expect(await fed(world)).toHaveLength(3)
    for (const id of ids.slice(0, 2)) expect(await world.send(id)).toMatchObject({ result: 'sent' })
    expect(await fed(world)).toHaveLength(1)
    world.clocks.businessAt += hourMs
    expect(await fed(world)).toHaveLength(3)
  })

  it('brings one message at a time under a hold: enough to probe with', async () => {
    const world = await newWorld()
    const [first = '', second = '', third = '', fourth = '', fifth = '', ...rest] = await seedPending(world.ledger, 9)
    await putInOutage(world.ledger, [first, second, third, fourth, fifth])
    const [probe = '', ...others] = await fed(world)
    expect(rest).toContain(probe)
    expect(others).toEqual([])
  })
})
