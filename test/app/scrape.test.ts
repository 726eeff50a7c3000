import { rename } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { portalGuard } from '#control/portal-guard.ts'
import { aHolder, dayMs, hourMs, monday, never, newWorld, ops, secret } from '../jobs/world.ts'
import { claimed } from '../ledger/sending.ts'
import { emptyQueue, watched } from './watched.ts'

const campaign = 'soft-pin'
const stuck = (): Promise<never> => new Promise(() => undefined)

/** What every process shows of itself; all other gauges are of the ledger or the queue. */
const ofProcess = /^forewarn_(process_|event_loop_|ledger_readable|queue_readable)/

describe('the gauges of a ledger', () => {
  it('show 0 where all is well, and never leave it out', async () => {
    const world = await newWorld()
    const shown = await watched(world, {
      queue: { ...emptyQueue, counts: async () => ({ waiting: 3, active: 2 }) },
    }).scrape()
    expect(shown.happened('forewarn_sending_allowed')).toEqual({ '*': 1, [campaign]: 1 })
    for (const cause of ['set-up', 'paused', 'quota', 'outage']) expect(shown.value('forewarn_hold', { cause })).toBe(0)
    for (const stage of ['7d', '1d', 'expired']) {
      expect(shown.value('forewarn_oldest_due_age_seconds', { campaign, stage })).toBe(0)
    }
    expect(shown.value('forewarn_closed_by_guard', { scope: campaign })).toBe(0)
    expect(shown.value('forewarn_limit_reached', { campaign })).toBe(0)
    expect(shown.value('forewarn_oldest_doubt_age_seconds')).toBe(0)
    expect(shown.value('forewarn_attempts_open')).toBe(0)
    expect(shown.value('forewarn_last_scan_success_timestamp_seconds', { campaign }), 'never').toBe(0)
    expect(shown.value('forewarn_pace_limit_per_second')).toBe(1_000)
    expect(shown.happened('forewarn_queue_jobs')).toEqual({ waiting: 3, active: 2 })
    expect([shown.value('forewarn_ledger_readable'), shown.value('forewarn_queue_readable')]).toEqual([1, 1])
  })

  it('tell what is stopped: a campaign, by a person or by a guard, and everything', async () => {
    const world = await newWorld()
    const { scrape } = watched(world)
    const guard = portalGuard(world.ports)
    await guard.saw(campaign, { read: 100, gone: 90 })
    const guarded = await scrape()
    expect(guarded.happened('forewarn_sending_allowed')).toEqual({ '*': 1 })
    expect(guarded.happened('forewarn_closed_by_guard')).toEqual({ [campaign]: 1 })

    await world.ledger.gates.open(campaign, ops, null)
    await world.ledger.gates.close(campaign, { actor: 'forewarn', reason: 'a person of this name' })
    expect((await scrape()).happened('forewarn_closed_by_guard')).toEqual({})

    await world.ledger.gates.open(campaign, ops, null)
    await world.ledger.gates.close('*', ops)
    const stopped = await scrape()
    expect(stopped.value('forewarn_sending_allowed', { scope: '*' })).toBe(0)
    expect(stopped.value('forewarn_sending_allowed', { scope: campaign }), 'its own gate is open').toBe(0)
  })

  it('tell how long a message waits that could go, and what is in its way', async () => {
    const world = await newWorld({ campaign: { limit: { perHour: 1, perDay: null } } })
    const { scrape } = watched(world)
    const [first = ''] = await world.due(aHolder('ada'), aHolder('bob'))
    world.clocks.businessAt = monday + 90_000
    const before = await scrape()
    expect(before.value('forewarn_oldest_due_age_seconds', { campaign, stage: '7d' })).toBe(90)
    expect(before.value('forewarn_last_scan_success_timestamp_seconds', { campaign })).toBe(monday / 1_000)
    expect(before.value('forewarn_limit_reached', { campaign })).toBe(0)
    await world.send(first)
    const after = await scrape()
    expect(after.value('forewarn_limit_reached', { campaign })).toBe(1)
    expect(after.value('forewarn_oldest_due_age_seconds', { campaign, stage: '7d' })).toBe(90)
    await world.ledger.gates.close('*', ops)
    world.clocks.businessAt = monday + hourMs
    expect((await scrape()).value('forewarn_oldest_due_age_seconds', { campaign, stage: '7d' })).toBe(3_600)
    // Tonight the window is closed.
    world.clocks.businessAt = monday + 9 * hourMs
    expect((await scrape()).value('forewarn_oldest_due_age_seconds', { campaign, stage: '7d' })).toBe(0)
  })

  it('tell the hold in force, the doubts, the open calls and the speed', async () => {
    const world = await newWorld({ faults: { faults: [{ fault: 'cut', accepted: true }] } })
    const { service, scrape } = watched(world)
    const [ada = '', bob = ''] = await world.due(aHolder('ada'), aHolder('bob'))
    await service.send(ada, never)
    await claimed(world.ledger, bob, { freshUntilMonotonicMs: Number.POSITIVE_INFINITY })
    world.shiftDatabaseTime(120_000)
    const until = (await world.ledger.databaseNow()) + dayMs
    await world.tamper(`update pace set hold = '{"cause":"paused","since":0,"nextProbeAt":0}',
      resume_ramp = '{"factor":0.25,"fromAt":${until},"untilAt":${until}}'`)
    const shown = await scrape()
    expect(shown.happened('forewarn_hold')).toEqual({ paused: 1 })
    expect(shown.value('forewarn_oldest_doubt_age_seconds')).toBeGreaterThanOrEqual(120)
    expect(shown.value('forewarn_attempts_open')).toBe(1)
    expect(shown.value('forewarn_pace_limit_per_second')).toBe(250)
  })
})

describe('a process that is no scheduler', () => {
  it('tells of itself alone, lest what is the same for all be counted twice', async () => {
    const world = await newWorld()
    const { service, scrape } = watched(world, { everyone: false })
    const [id = ''] = await world.due(aHolder('ada'))
    await service.send(id, never)
    const shown = await scrape()
    const gauges = [...shown.families.values()].filter(({ type, samples }) => type === 'gauge' && samples.length > 0)
    expect(gauges.map(({ name }) => name).filter((name) => !ofProcess.test(name))).toEqual([])
    expect(shown.value('forewarn_ledger_readable')).toBe(1)
    expect(shown.happened('forewarn_messages_total')).toEqual({ 'soft-pin 7d sent': 1 })
  })
})

describe('a scrape', () => {
  it.each(['never answers', 'answers every question but one'])('comes without a ledger that %s', async (how) => {
    const world = await newWorld()
    const { ledger } = world
    const gates = how === 'never answers' ? { ...ledger.gates, list: stuck } : ledger.gates
    const broken = { ...ledger, gates, reports: { ...ledger.reports, oldestDue: stuck } }
    const { service, scrape } = watched(world, { withinMs: 200, ledger: broken })
    const [id = ''] = await world.due(aHolder('ada'))
    await service.send(id, never)

    const shown = await scrape()
    expect(shown.value('forewarn_ledger_readable')).toBe(0)
    expect(shown.value('forewarn_queue_readable')).toBe(1)
    expect(shown.happened('forewarn_messages_total')).toEqual({ 'soft-pin 7d sent': 1 })
    for (const name of ['sending_allowed', 'hold', 'oldest_due_age_seconds', 'oldest_doubt_age_seconds']) {
      expect(shown.families.get(`forewarn_${name}`)?.samples, name).toEqual([])
    }
  })

  it('leaves out what it showed before, when the ledger is gone, and shows it again when it is back', async () => {
    const world = await newWorld()
    const { scrape } = watched(world)
    const file = world.ledger.address.replace('file:', '')
    const zero = { campaign, stage: '7d', outcome: 'sent' }
    expect((await scrape()).value('forewarn_sending_allowed', { scope: '*' })).toBe(1)
    await rename(file, `${file}.away`)
    const gone = await scrape()
    expect(gone.value('forewarn_ledger_readable')).toBe(0)
    expect(gone.value('forewarn_sending_allowed', { scope: '*' })).toBeUndefined()
    expect(gone.value('forewarn_messages_total', zero), 'counted by this process').toBe(0)
    await rename(`${file}.away`, file)
    expect((await scrape()).value('forewarn_sending_allowed', { scope: '*' })).toBe(1)
  })

  it('comes without a queue that is dead', async () => {
    const world = await newWorld()
    const { scrape } = watched(world, { withinMs: 1_000, queue: { ...emptyQueue, counts: stuck } })
    const shown = await scrape()
    expect(shown.value('forewarn_queue_readable')).toBe(0)
    expect(shown.families.get('forewarn_queue_jobs')?.samples).toEqual([])
    expect(shown.value('forewarn_sending_allowed', { scope: '*' })).toBe(1)
  })

  it('tells no address, no name, no PIN and no message', async () => {
    const world = await newWorld({ faults: { faults: [{ fault: 'reject', when: { to: 'ada*' } }] } })
    const { service, text } = watched(world)
    const ids = await world.due(aHolder('ada'), aHolder('bob'))
    await world.drop(aHolder('bob'))
    for (const id of ids) await service.send(id, never)
    const shown = await text()
    expect(shown).toContain('failed"} 1')
    expect(shown).toContain('gone"} 1')
    expect(shown).not.toMatch(secret)
    expect(shown).not.toMatch(/[0-9A-Z]{26}|[0-9a-f]{32}/)
  })
})
