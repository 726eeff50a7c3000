import { expect, test } from 'vitest'
import { RunningJobs } from '#queue/running-jobs.ts'

test('does not run a job beside itself, and runs it again once it has ended, by an error too', async () => {
  const jobs = new RunningJobs()
  const end = Promise.withResolvers<void>()
  let runs = 0
  const run = () =>
    jobs.run('m1', () => {
      runs += 1
      return end.promise
    })
  const first = run()
  await run()
  expect([runs, jobs.size]).toEqual([1, 1])
  end.reject(new Error('failed'))
  await expect(first).rejects.toThrow('failed')
  expect(jobs.size).toBe(0)
  await expect(run()).rejects.toThrow('failed')
  expect(runs).toBe(2)
})

test('takes no job after it is closed, also one that BullMQ was just fetching; those that run go on', async () => {
  const jobs = new RunningJobs()
  const end = Promise.withResolvers<void>()
  const first = jobs.run('m1', () => end.promise)
  jobs.close()
  await jobs.run('m2', () => Promise.reject(new Error('ran')))
  expect(jobs.size).toBe(1)
  end.resolve()
  await first
})

test('aborts the signal of every job that runs', async () => {
  const jobs = new RunningJobs()
  const signals: AbortSignal[] = []
  const until = (signal: AbortSignal) => {
    signals.push(signal)
    return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  }
  const both = Promise.all([jobs.run('m1', until), jobs.run('m2', until)])
  jobs.abort()
  await both
  expect(signals.map((signal) => signal.aborted)).toEqual([true, true])
})
