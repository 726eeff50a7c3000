import { expect, it } from 'vitest'
import { type RetainPorts, retain } from '#jobs/retain.ts'
import { seedPending } from '../ledger/fixtures.ts'
import { aHolder, dayMs, monday, never, newWorld, type World } from './world.ts'

function retainOf({ ports }: World, differs: Partial<RetainPorts> = {}): Promise<number> {
  return retain({ ...ports, addressDays: 90, ...differs }, never)
}

it('forgets to whom a message went, and what it said, once it was decided longer ago than the retention', async () => {
  const world = await newWorld()
  const [id = ''] = await world.due(aHolder('ada'))
  await world.send(id)

  world.clocks.businessAt = monday + 90 * dayMs
  expect(await retainOf(world)).toBe(0)
  expect(await world.message(id)).toMatchObject({ address: 'ada@example.org', values: { to: 'ada@example.org' } })

  world.clocks.businessAt += 1
  expect(await retainOf(world)).toBe(1)
  expect(await world.message(id)).toMatchObject({ state: 'sent', address: null, values: null, sentAt: monday })
  expect(world.log.lines.at(-1)).toEqual({ level: 'info', event: 'addresses.forgotten', fields: { messages: 1 } })
  expect(JSON.stringify(await world.look('select * from message'))).not.toContain('ada@')
})

it('keeps the address of a message that is not decided, however old it is', async () => {
  const world = await newWorld()
  const [id = ''] = await world.due(aHolder('ada'))
  world.clocks.businessAt = monday + 1_000 * dayMs
  expect(await retainOf(world)).toBe(0)
  expect(await world.message(id)).toMatchObject({ address: 'ada@example.org' })
})

it('goes on until there is nothing more to forget', async () => {
  const world = await newWorld()
  await seedPending(world.ledger, 1_001, { campaign: 'big' })
  await world.tamper(`update message set state = 'sent'`)
  world.clocks.businessAt = monday + 91 * dayMs
  expect(await retainOf(world)).toBe(1_001)
})

it('ends between two steps when it is told to', async () => {
  const world = await newWorld()
  await expect(retain({ ...world.ports, addressDays: 90 }, AbortSignal.abort())).rejects.toThrow(/abort/)
})
