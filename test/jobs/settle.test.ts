import { expect, it } from 'vitest'
import { provenGone, thisWorker } from '#control/worker-identity.ts'
import type { SettlePorts } from '#jobs/settle.ts'
import type { Worker } from '#ledger/ledger.ts'
import { claimed } from '../ledger/sending.ts'
import { aHolder, monday, newWorld, secret, thatProcess, thisProcess, type World } from './world.ts'

const leaseMs = 27_000
/** SES takes a signature for 15 minutes; the call itself may last 20 s. */
const fenceMs = 15 * 60_000 + 20_000
/** More than a test takes. */
const marginMs = 30_000

const gone: Pick<SettlePorts, 'provenGone'> = { provenGone: () => true }

/** A message that a worker has claimed, and of whose call nothing is heard. */
async function silentClaim(world: World, worker: Worker = thisProcess) {
  const [id = ''] = await world.due(aHolder('ada'))
  const attempt = await claimed(world.ledger, id, { worker, leaseMs, freshUntilMonotonicMs: Number.POSITIVE_INFINITY })
  return { id, attempt }
}

it('leaves a worker in peace until the end of its lease', async () => {
  const world = await newWorld()
  const { id } = await silentClaim(world)
  world.shiftDatabaseTime(leaseMs - 10_000)
  expect(await world.settle()).toEqual({ doubts: 0 })
  expect(await world.message(id)).toMatchObject({ state: 'sending' })
})

it('doubts a message whose lease has ended, and leaves its attempt open: the call may still come', async () => {
  const world = await newWorld()
  const { id, attempt } = await silentClaim(world)
  world.shiftDatabaseTime(leaseMs)
  expect(await world.settle()).toEqual({ doubts: 1 })
  expect(await world.message(id)).toMatchObject({ state: 'in_doubt', reminders: [{ outcome: null }] })
  expect(await world.ledger.attempts.open()).toMatchObject([{ number: attempt, worker: thisProcess }])
  expect(world.log.lines).toContainEqual({
    level: 'warn',
    event: 'message.in-doubt',
    fields: { message: id, campaign: 'soft-pin', attempt, worker: 'here:1', closed: false },
  })
  expect(JSON.stringify(world.log.lines)).not.toMatch(secret)
})

it('says each doubt once', async () => {
  const world = await newWorld()
  await silentClaim(world)
  world.shiftDatabaseTime(leaseMs)
  await world.settle()
  const lines = world.log.lines.length
  expect(await world.settle()).toEqual({ doubts: 0 })
  expect(world.log.lines).toHaveLength(lines)
})

it('writes off the attempt of a process that is proven gone, also before its lease has ended', async () => {
  const world = await newWorld()
  const { id } = await silentClaim(world)
  expect(await world.settle(gone)).toEqual({ doubts: 1 })
  expect(await world.ledger.attempts.open()).toEqual([])
  expect(await world.message(id)).toMatchObject({
    state: 'in_doubt',
    attemptList: [{ outcome: 'unknown', endedAt: expect.any(Number) }],
  })
})

it('writes off an attempt that was doubted before, once its process is proven gone', async () => {
  const world = await newWorld()
  await silentClaim(world)
  world.shiftDatabaseTime(leaseMs)
  await world.settle()
  expect(await world.settle(gone)).toEqual({ doubts: 1 })
  expect(await world.ledger.attempts.open()).toEqual([])
})

it('asks of each attempt whether its own process is gone', async () => {
  const world = await newWorld()
  const [ada = '', bob = ''] = await world.due(aHolder('ada'), aHolder('bob'))
  const fresh = { leaseMs, freshUntilMonotonicMs: Number.POSITIVE_INFINITY }
  await claimed(world.ledger, ada, { worker: thisProcess, ...fresh })
  await claimed(world.ledger, bob, { worker: thatProcess, ...fresh })
  await world.settle({ provenGone: ({ pid }) => pid === thatProcess.pid })
  expect(await world.ledger.attempts.open()).toMatchObject([{ messageId: ada, messageState: 'sending' }])
})

it('writes off every attempt when the fence has passed: nobody can get its call accepted any more', async () => {
  const world = await newWorld()
  await silentClaim(world)
  world.shiftDatabaseTime(fenceMs - marginMs)
  await world.settle()
  expect(await world.ledger.attempts.open()).toHaveLength(1)
  world.shiftDatabaseTime(marginMs)
  await world.settle()
  expect(await world.ledger.attempts.open()).toEqual([])
})

it('waits for the fence with a worker of another machine: nothing about its process can be proven', async () => {
  const world = await newWorld()
  // No such process is here, and there it may be.
  const elsewhere = { ...thisWorker(), host: 'another-machine', pid: 2 ** 22 + 1 }
  await silentClaim(world, elsewhere)
  world.shiftDatabaseTime(fenceMs - marginMs)
  await world.settle({ provenGone })
  expect(await world.ledger.attempts.open()).toMatchObject([{ messageState: 'in_doubt' }])
  world.shiftDatabaseTime(marginMs)
  await world.settle({ provenGone })
  expect(await world.ledger.attempts.open()).toEqual([])
})

it('knows a process of this machine that has ended from this one', async () => {
  const world = await newWorld()
  const [ada = '', bob = ''] = await world.due(aHolder('ada'), aHolder('bob'))
  const fresh = { leaseMs, freshUntilMonotonicMs: Number.POSITIVE_INFINITY }
  await claimed(world.ledger, ada, { worker: thisWorker(), ...fresh })
  await claimed(world.ledger, bob, { worker: { ...thisWorker(), pid: 2 ** 22 + 1 }, ...fresh })
  expect(await world.settle({ provenGone })).toEqual({ doubts: 1 })
  expect(await world.ledger.attempts.open()).toMatchObject([{ messageId: ada }])
})

it('notes in business time when a doubt began, and measures leases in that of the database', async () => {
  const world = await newWorld()
  const { id } = await silentClaim(world)
  world.clocks.businessAt = monday + 365 * 86_400_000
  expect(await world.settle()).toEqual({ doubts: 0 })
  world.shiftDatabaseTime(leaseMs)
  await world.settle()
  expect(await world.message(id)).toMatchObject({ updatedAt: world.clocks.businessAt })
})
