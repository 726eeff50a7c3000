import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { expect, it, onTestFinished, vi } from 'vitest'
import { provenGone, thisWorker } from '#control/worker-identity.ts'
import type { Worker } from '#ledger/ledger.ts'

const identity = new URL('../../src/control/worker-identity.ts', import.meta.url).href

it('names this process, the same each time, by host and pid for people', () => {
  const worker = thisWorker()
  expect(worker).toEqual(thisWorker())
  expect(worker).toMatchObject({ name: `${hostname()}:${process.pid}`, host: hostname(), pid: process.pid })
  expect(worker.incarnation).not.toMatch(/unknown|gone|undefined|null/)
})

it('does not take this process for gone, nor another that runs', async () => {
  expect(provenGone(thisWorker())).toBe(false)
  const { worker } = await otherProcess()
  expect(provenGone(worker)).toBe(false)
})

it('does not take a process for gone that is frozen', async () => {
  const { child, worker } = await otherProcess()
  child.kill('SIGSTOP')
  expect(provenGone(worker)).toBe(false)
})

it('takes a process for gone that has ended', async () => {
  const { child, worker } = await otherProcess()
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(provenGone(worker)).toBe(true)
})

it('takes a process for gone of which only the remains are left', async () => {
  const worker = await zombie()
  await vi.waitFor(() => expect(provenGone(worker)).toBe(true), { timeout: 10_000 })
  expect(process.kill(worker.pid, 0)).toBe(true)
})

it('takes a process for gone whose pid another one has by now', async () => {
  const { worker } = await otherProcess()
  expect(provenGone({ ...worker, pid: process.pid })).toBe(true)
})

it('never takes a process of another host, boot or pid namespace for gone', async () => {
  const { child, worker } = await otherProcess()
  child.kill('SIGKILL')
  await once(child, 'exit')
  const [place, start] = apart(worker)
  for (const elsewhere of [
    { host: 'elsewhere' },
    { incarnation: `${place.replace(/^./, 'x')} ${start}` },
    { incarnation: `${place.replace(/\d(?=\]?$)/, '_')} ${start}` },
    { incarnation: `${place}1 ${start}` },
    { incarnation: `unknown ${start}` },
  ]) {
    expect(provenGone({ ...worker, ...elsewhere })).toBe(false)
  }
})

it('never takes a process for gone that exists and did not know its own start', async () => {
  const { worker } = await otherProcess()
  expect(provenGone({ ...worker, incarnation: `${apart(worker)[0]} unknown` })).toBe(false)
})

it('does not take a process for gone because nothing can be read', async () => {
  const { worker } = await otherProcess()
  const judge = `import { openSync } from 'node:fs'
    import { provenGone } from '${identity}'
    try { for (;;) openSync('/dev/null') } catch {}
    process.stdout.write(JSON.stringify(provenGone(${JSON.stringify(worker)})))`
  // Enough files for Node to start with.
  const child = spawn('sh', ['-c', 'ulimit -n 64 && exec "$0" --input-type=module -e "$1"', process.execPath, judge])
  expect(await firstOutput(child)).toBe(false)
})

/** Where its pid means something, and when it started. */
function apart({ incarnation }: Worker): [place: string, start: string] {
  const cut = incarnation.lastIndexOf(' ')
  return [incarnation.slice(0, cut), incarnation.slice(cut + 1)]
}

/** Says who it is, and then runs until the test has ended. */
const sayWho = `import { thisWorker } from '${identity}'
  process.stdout.write(JSON.stringify(thisWorker()))`

async function otherProcess(): Promise<{ child: ChildProcess; worker: Worker }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', `${sayWho}; setInterval(() => {}, 60_000)`])
  return { child, worker: (await firstOutput(child)) as Worker }
}

/** A process that has ended, and whose parent never asks for how. */
async function zombie(): Promise<Worker> {
  const child = spawn('sh', ['-c', '"$0" --input-type=module -e "$1" & exec sleep 600', process.execPath, sayWho])
  return (await firstOutput(child)) as Worker
}

async function firstOutput(child: ChildProcess): Promise<unknown> {
  onTestFinished(() => void child.kill('SIGKILL'))
  const [output] = (await once(child.stdout ?? child, 'data')) as [Buffer]
  return JSON.parse(output.toString())
}
