import { describe, expect, it } from 'vitest'
import { skipReasons } from '#core/reminder.ts'
import { editionOf } from '#mail/edition.ts'
import { aCampaign } from '../core/given.ts'
import {
  aHolder,
  beforeClaim,
  callsOf,
  dayMs,
  hourMs,
  monday,
  never,
  newWorld,
  ops,
  template,
  thatProcess,
  type World,
} from '../jobs/world.ts'
import { claimed } from '../ledger/sending.ts'
import type { Exposition } from '../observe/exposition.ts'
import { emptyQueue, watched } from './watched.ts'

const stages = ['7d', '1d', 'expired']

/** What the ledger itself says, in the words of the counters. */
async function byLedger(world: World) {
  const messages = await world.look(
    `select campaign || ' ' || stage || ' ' || state as what, count(*) as n from message
     where state in ('sent', 'failed', 'in_doubt') group by 1`,
  )
  const skips = await world.look(
    `select campaign || ' ' || reason as what, count(*) as n from reminder where outcome = 'skipped' group by 1`,
  )
  const counted = (rows: typeof skips) => Object.fromEntries(rows.map(({ what, n }) => [String(what), Number(n)]))
  return { messages: counted(messages), skips: counted(skips) }
}

function byMetrics(shown: Exposition) {
  return {
    messages: shown.happened('forewarn_messages_total'),
    skips: shown.happened('forewarn_reminders_skipped_total'),
  }
}

describe('counters', () => {
  it('begin at 0 for each campaign that is enabled, also for one that is enabled later', async () => {
    const world = await newWorld()
    const { scrape } = watched(world, { everyone: false })
    const shown = await scrape()
    for (const stage of stages) {
      for (const outcome of ['sent', 'failed', 'in_doubt']) {
        expect(shown.value('forewarn_messages_total', { campaign: 'soft-pin', stage, outcome })).toBe(0)
      }
      expect(shown.value('forewarn_message_lag_seconds_count', { campaign: 'soft-pin', stage })).toBe(0)
    }
    for (const reason of skipReasons) {
      expect(shown.value('forewarn_reminders_skipped_total', { campaign: 'soft-pin', reason })).toBe(0)
    }
    expect(shown.value('forewarn_scans_total', { campaign: 'soft-pin', result: 'failed' })).toBe(0)
    expect(shown.value('forewarn_settlements_total', { result: 'alarm' })).toBe(0)

    const zero = { campaign: 'later', stage: '30d', outcome: 'sent' }
    expect(shown.value('forewarn_messages_total', zero)).toBeUndefined()
    await world.ledger.editions.enable(editionOf(aCampaign({ key: 'later', stages: ['30d'] }), template), ops)
    expect((await scrape()).value('forewarn_messages_total', zero)).toBe(0)
  })

  it('of messages agree with the ledger and with what SES was given, whatever it answers', async () => {
    const world = await newWorld({
      faults: {
        faults: [
          { fault: 'reject', when: { to: 'refused*' } },
          { fault: 'cut', accepted: true, when: { to: 'cut*' } },
          { fault: 'rate', perSecond: 0.01, when: { to: 'slow*' } },
        ],
      },
    })
    const { service, scrape } = watched(world)
    const expired = aHolder('past', { expiresAt: monday - hourMs })
    const ids = await world.due(...['ada', 'refused', 'cut', 'slow-1', 'slow-2'].map((who) => aHolder(who)), expired)
    for (const id of ids) await service.send(id, never)

    const shown = await scrape()
    expect(byMetrics(shown).messages).toEqual({
      'soft-pin 7d sent': 2,
      'soft-pin expired sent': 1,
      'soft-pin 7d failed': 1,
      'soft-pin 7d in_doubt': 1,
    })
    expect(byMetrics(shown).messages).toEqual((await byLedger(world)).messages)
    expect(shown.happened('forewarn_ses_calls_total')).toEqual({ accepted: 3, refused: 1, unknown: 1, throttled: 1 })
    expect(shown.value('forewarn_ses_call_duration_seconds_count')).toBe(callsOf(world).length)
    expect(shown.happened('forewarn_settlements_total')).toEqual({ applied: 6 })
    expect(world.inbox.mails.list()).toHaveLength(4)
  })

  it('of skipped reminders agree with the ledger: those that scans decide, and those at the re-read', async () => {
    const world = await newWorld()
    const { service, scrape } = watched(world)
    const [ada, bob, eve, fay] = [aHolder('ada'), aHolder('bob'), aHolder('eve'), aHolder('fay')]
    await world.hold(ada, bob, eve, fay)
    await world.hold(aHolder('nobody', { email: null }), aHolder('new', { setAt: monday - hourMs }))
    await service.scan(world.campaign, never)
    const before = await scrape()
    expect(byMetrics(before)).toEqual(await byLedger(world))
    expect(byMetrics(before).skips).toMatchObject({ 'soft-pin no-address': 1, 'soft-pin not-applicable': 1 })

    await world.hold({ ...eve, expiresAt: monday + 400 * dayMs })
    await service.scan(world.campaign, never)
    expect(byMetrics(await scrape()).skips).toMatchObject({ 'soft-pin reset': 1 })
    await world.hold({ ...ada, status: 'revoked' })
    await world.drop(bob)
    for (const id of await world.ledger.outbox.sendable(monday, 10)) await service.send(id, never)
    const after = await scrape()
    expect(byMetrics(after)).toEqual(await byLedger(world))
    expect(byMetrics(after).skips).toMatchObject({ 'soft-pin revoked': 1, 'soft-pin gone': 1, 'soft-pin reset': 1 })
    expect(byMetrics(after).messages).toEqual({ 'soft-pin 7d sent': 1 })
  })

  it('keep what a scan has decided that then failed', async () => {
    const world = await newWorld()
    const read = () => Promise.reject(new Error('away'))
    const pins = { ...world.ports.pins, read }
    const { service, scrape } = watched(world, { pins })
    await world.hold(aHolder('ada'), aHolder('nobody', { email: null }))
    await expect(service.scan(world.campaign, never)).rejects.toThrow('away')
    const shown = await scrape()
    expect(byMetrics(shown)).toEqual(await byLedger(world))
    expect(byMetrics(shown).skips).toMatchObject({ 'soft-pin no-address': 1 })
    expect(shown.happened('forewarn_scans_total')).toEqual({ 'soft-pin failed': 1 })
  })

  it('tell scans that ended well, and those that another was in the way of', async () => {
    const world = await newWorld()
    const { service, scrape } = watched(world)
    await service.scan(world.campaign, never)
    await world.ledger.leases.acquire('scan:soft-pin', 'another', 60_000)
    await service.scan(world.campaign, never)
    expect((await scrape()).happened('forewarn_scans_total')).toEqual({ 'soft-pin done': 1, 'soft-pin busy': 1 })
  })

  it('tell how long after it came due a mail went out', async () => {
    const world = await newWorld()
    const { service, scrape } = watched(world)
    // The mail is about the second, which came due an hour ago; the first was missed for days.
    const missed = aHolder('ada', { expiresAt: monday + 4 * dayMs })
    const urgent = aHolder('ada', { n: 2, expiresAt: monday + dayMs + 2 * hourMs })
    await world.due(missed, urgent)
    const id = await world.pending()
    const { reminders } = await world.message(id)
    await service.send(id, never)
    const shown = await scrape()
    const dueAt = reminders.find(({ stage }) => stage === '1d')?.dueAt ?? 0
    const lag = { campaign: 'soft-pin', stage: '1d' }
    expect(shown.value('forewarn_message_lag_seconds_sum', lag)).toBe((monday - dueAt) / 1_000)
    expect(shown.value('forewarn_message_lag_seconds_sum', lag)).toBe(3_600)
    expect(shown.value('forewarn_message_lag_seconds_count', lag)).toBe(1)
  })
})

describe('a call that nobody has heard the end of', () => {
  it('is counted in doubt once it is given up, and as sent when the answer comes after all', async () => {
    const world = await newWorld()
    let gone = false
    const { service, scrape } = watched(world, { provenGone: () => gone })
    const [id = ''] = await world.due(aHolder('ada'))
    const held = world.inbox.holdCalls('after')
    const sending = service.send(id, never)
    await world.inbox.waitFor(() => held.waiting.length === 1)
    world.shiftDatabaseTime(60_000)
    await service.settle()
    expect(byMetrics(await scrape()).messages).toEqual({ 'soft-pin 7d in_doubt': 1 })
    // Its attempt is written off as well.
    gone = true
    await service.settle()
    expect(await world.ledger.attempts.open()).toEqual([])
    expect(byMetrics(await scrape()).messages).toEqual({ 'soft-pin 7d in_doubt': 1 })

    held.release()
    await sending
    expect(byMetrics(await scrape()).messages).toEqual({ 'soft-pin 7d in_doubt': 1, 'soft-pin 7d sent': 1 })
  })

  it('since the ledger did not take its answer is counted as lost, and in doubt once', async () => {
    const world = await newWorld()
    const settle = () => Promise.reject(new Error('the disk is full'))
    const ledger = { ...world.ledger, outbox: { ...world.ledger.outbox, settle } }
    const { service, scrape } = watched(world, { ledger })
    const [id = ''] = await world.due(aHolder('ada'))
    await service.send(id, never)
    expect((await scrape()).happened('forewarn_settlements_total')).toEqual({ lost: 1 })
    expect(byMetrics(await scrape()).messages).toEqual({})
    world.shiftDatabaseTime(60_000)
    await service.settle()
    expect(byMetrics(await scrape()).messages).toEqual({ 'soft-pin 7d in_doubt': 1 })
    expect(byMetrics(await scrape())).toEqual(await byLedger(world))
  })

  it('and that had gone on without it raises the alarm, and is not counted as sent by it', async () => {
    const world = await newWorld()
    const { service, scrape } = watched(world)
    const [id = ''] = await world.due(aHolder('ada'))
    const held = world.inbox.holdCalls('after')
    const sending = service.send(id, never)
    await world.inbox.waitFor(() => held.waiting.length === 1)
    await world.tamper(`update message set state = 'pending' where id = '${id}'`)
    await claimed(world.ledger, id, { worker: thatProcess, freshUntilMonotonicMs: Number.POSITIVE_INFINITY })
    held.release()
    await sending
    const shown = await scrape()
    expect(shown.happened('forewarn_settlements_total')).toEqual({ alarm: 1 })
    expect(byMetrics(shown)).toEqual(await byLedger(world))
  })
})

describe('a try that sends nothing', () => {
  it('is counted by why the claim was refused', async () => {
    const world = await newWorld()
    const ledger = beforeClaim(world.ledger, () => world.ledger.gates.close('*', ops))
    const { service, scrape } = watched(world, { ledger })
    const [id = ''] = await world.due(aHolder('ada'))
    await service.send(id, never)
    expect((await scrape()).happened('forewarn_claims_refused_total')).toEqual({ gate: 1 })
  })

  it('is counted by what the message now waits for', async () => {
    const world = await newWorld()
    const { service, scrape } = watched(world, { stale: async () => true })
    const [id = ''] = await world.due(aHolder('ada'))
    await service.send(id, never)
    expect((await scrape()).happened('forewarn_messages_deferred_total')).toEqual({ portal: 1 })
  })

  it('is counted when its slot was too old to be used', async () => {
    const world = await newWorld()
    const pace = { slot: async () => ({ expired: () => true }) }
    const { service, scrape } = watched(world, { pace })
    const [id = ''] = await world.due(aHolder('ada'))
    await service.send(id, never)
    const shown = await scrape()
    expect(shown.value('forewarn_pace_slots_total')).toBe(1)
    expect(shown.value('forewarn_pace_slots_given_up_total')).toBe(1)
    expect(callsOf(world)).toEqual([])
  })
})

describe('a full batch', () => {
  it('of a scan and of a feed is seen', async () => {
    const world = await newWorld()
    const { service, scrape } = watched(world, { rate: { perSecond: 0.02, reserve: 0 } })
    await world.hold(...Array.from({ length: 1_001 }, (_, n) => aHolder(`person${n}`)))
    await service.scan(world.campaign, never)
    await service.feed()
    const shown = await scrape()
    expect(shown.happened('forewarn_scan_pages_total')).toEqual({ full: 1, part: 1 })
    expect(shown.happened('forewarn_feeds_total')).toEqual({ full: 1 })
  })

  it('is none of a feed under a hold, which takes up a single message to probe with', async () => {
    const world = await newWorld()
    const { service, scrape } = watched(world)
    await world.due(aHolder('ada'), aHolder('bob'))
    await world.tamper(`update pace set hold = '{"cause":"outage","since":0,"nextProbeAt":0}'`)
    await service.feed()
    expect((await scrape()).happened('forewarn_feeds_total')).toEqual({ part: 1 })
  })
})

describe('a job that fails', () => {
  it('is counted, and fails as it would', async () => {
    const world = await newWorld()
    const addSends = () => Promise.reject(new Error('away'))
    const { service, scrape } = watched(world, { queue: { ...emptyQueue, addSends } })
    await expect(service.feed()).rejects.toThrow('away')
    expect((await scrape()).happened('forewarn_jobs_failed_total')).toEqual({ feed: 1 })
  })

  it('since the process ends is no failure', async () => {
    const world = await newWorld()
    const { service, scrape } = watched(world)
    world.end.abort()
    await expect(service.retain(AbortSignal.abort())).rejects.toThrow()
    await expect(service.scan(world.campaign, AbortSignal.abort())).rejects.toThrow()
    const shown = await scrape()
    expect(shown.happened('forewarn_jobs_failed_total')).toEqual({})
    expect(shown.happened('forewarn_scans_total')).toEqual({})
  })
})
