import { expect, it } from 'vitest'
import { startInbox } from '#inbox/server.ts'
import { quota } from '#jobs/quota.ts'
import { never, newWorld, type World } from './world.ts'

const minuteMs = 60_000

/** As one process asks for its quota, on its own handle of the ledger. */
async function ask({ ports }: World, ledger = ports.ledger, signal = never): Promise<void> {
  await quota({ ...ports, ledger }, signal)
}

function questions({ inbox }: World): number {
  return inbox.calls.where(({ action }) => action === 'GetSendQuota').length
}

it('notes what SES allows, and what of it is used', async () => {
  const world = await newWorld()
  Object.assign(world.inbox.account, { maxSendRate: 14, max24HourSend: 50_000, sentByOthers: 123 })
  await ask(world)
  expect(await world.ledger.pace.read()).toMatchObject({
    sesRatePerSecond: 14,
    quota: { max24Hour: 50_000, used: 123 },
  })
})

it('is asked by one process of all, once a minute', async () => {
  const world = await newWorld()
  const other = await world.reopen()
  await Promise.all([ask(world), ask(world, other.ledger), ask(world)])
  expect(questions(world)).toBe(1)
  world.shiftDatabaseTime(minuteMs)
  await Promise.all([ask(world, other.ledger), ask(world)])
  expect(questions(world)).toBe(2)
})

it('keeps what SES said last when it gives no answer, tells so, and asks again a minute later', async () => {
  const world = await newWorld()
  world.inbox.account.maxSendRate = 14
  await ask(world)
  world.inbox.faults.replace({ faults: [{ fault: 'error-500', when: { actions: ['GetSendQuota'] } }] })
  world.inbox.account.maxSendRate = 1
  world.shiftDatabaseTime(minuteMs)
  await ask(world)
  expect(await world.ledger.pace.read()).toMatchObject({ sesRatePerSecond: 14 })
  expect(world.log.events()).toEqual(['quota.unknown'])

  world.inbox.faults.replace({})
  await ask(world)
  expect(questions(world)).toBe(2)
  world.shiftDatabaseTime(minuteMs)
  await ask(world)
  expect(await world.ledger.pace.read()).toMatchObject({ sesRatePerSecond: 1 })
})

it('does not fail the job when SES is away', async () => {
  const inbox = await startInbox()
  await inbox.stop()
  const world = await newWorld({ endpoint: inbox.url })
  await ask(world)
  expect((await world.ledger.pace.read()).sesRatePerSecond).toBeNull()
})
