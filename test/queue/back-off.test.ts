import type { IQueueBackend } from 'bullmq'
import { expect, test } from 'vitest'
import { withBackOff } from '#queue/back-off.ts'

/** A backend whose fetches fail as long as `fails`, and how often each was asked for. */
function aBackend() {
  const asked = { moveToActive: 0, waitForJob: 0 }
  const state = { fails: true }
  const fetch = (name: keyof typeof asked) => async () => {
    asked[name] += 1
    if (state.fails) throw new Error('READONLY')
    return null
  }
  const backend = { moveToActive: fetch('moveToActive'), waitForJob: fetch('waitForJob') } as unknown as IQueueBackend
  return { backend, asked, state }
}

/** As BullMQ's loop: asks again as soon as there is an answer, until `ms` are over. Resolves with how often it asked. */
async function hammer(fetch: () => Promise<unknown>, ms: number): Promise<number> {
  const end = performance.now() + ms
  let times = 0
  while (performance.now() < end) {
    times += 1
    await fetch().catch(() => undefined)
    await new Promise(setImmediate)
  }
  return times
}

test('spares a backend that fails, and passes its errors on', async () => {
  const { backend, asked } = aBackend()
  const slowed = withBackOff(backend, new AbortController().signal)
  await expect(slowed.moveToActive('token')).rejects.toThrow('READONLY')
  expect(await hammer(() => slowed.moveToActive('token'), 1_000)).toBeLessThan(6)
  expect(await hammer(() => slowed.waitForJob(1), 500)).toBeLessThan(6)
  expect(asked.moveToActive + asked.waitForJob).toBeLessThan(13)
})

test('does not slow down a backend that answers, also after it had failed', async () => {
  const { backend, state } = aBackend()
  const slowed = withBackOff(backend, new AbortController().signal)
  await slowed.moveToActive('token').catch(() => undefined)
  state.fails = false
  expect(await hammer(() => slowed.moveToActive('token'), 100)).toBeGreaterThan(50)
})

test('waits no longer when the queue stops', async () => {
  const { backend } = aBackend()
  const stopping = new AbortController()
  const slowed = withBackOff(backend, stopping.signal)
  for (let times = 0; times < 3; times += 1) await slowed.moveToActive('token').catch(() => undefined)
  const began = performance.now()
  const fetched = slowed.moveToActive('token').catch(() => undefined)
  stopping.abort()
  await fetched
  expect(performance.now() - began).toBeLessThan(100)
})
