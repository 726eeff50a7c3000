import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { ForewarnError } from '#core/errors.ts'
import { chooseBackend } from '#queue/backends.ts'
import { stacks } from './stacks.ts'

const run = promisify(execFile)

/** Runs a module in a process of its own, which must end by itself; resolves with what it printed. */
async function runModule(source: string): Promise<string> {
  const args = ['--no-warnings', '--input-type=module', '--eval', source]
  const { stdout } = await run(process.execPath, args, { cwd: process.cwd(), timeout: 50_000 })
  return stdout
}

test.each([
  ['embedded:', 'embedded'],
  ['redis://localhost:6379', 'redis'],
  ['rediss://cache.example.com', 'redis'],
  ['postgres://app:secret@db/queue', 'postgres'],
  ['postgresql://db/queue', 'postgres'],
])('chooses for %s the backend %s', (url, kind) => {
  expect(chooseBackend(url).kind).toBe(kind)
})

test.each([
  ['amqp://app:secret@host/queue', 'amqp:'],
  ['embedded', 'no scheme'],
  ['/var/run/redis.sock', 'no scheme'],
  ['', 'no scheme'],
])('says what to use instead of %j, without its password', (url, named) => {
  const error = catchError(() => chooseBackend(url))
  expect(error).toBeInstanceOf(ForewarnError)
  expect(error).toMatchObject({ code: 'usage', path: 'queue', hint: expect.stringContaining("'embedded:'") })
  expect(String(error)).toContain(named)
  expect(String(error)).not.toContain('secret')
})

test('loads no driver before a backend is opened: commands that need no queue stay fast', async () => {
  const printed = await runModule(`
    import { createRequire, registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
    const { chooseBackend } = await import('./src/queue/backends.ts')
    for (const url of ['embedded:', 'redis://cache', 'postgres://db/queue']) chooseBackend(url)
    console.log(JSON.stringify(loaded))
  `)
  const loaded: string[] = JSON.parse(printed)
  expect(loaded).toContainEqual(expect.stringContaining('/src/queue/backends.ts'))
  expect(loaded.filter((url) => url.includes('node_modules'))).toEqual([])
})

test.each(stacks)(
  'a queue on $name that has worked and is stopped leaves nothing that keeps the process alive',
  async ({ open }) => {
    const stack = await open()
    onTestFinished(() => stack.close())
    const printed = await runModule(`
    import { openQueue } from './src/queue/bullmq-queue.ts'
    import { silentLog } from './src/observe/observe.ts'
    const queue = openQueue({ url: '${stack.url}', log: silentLog })
    await queue.start()
    await queue.work({ send: async (id) => console.log(id), clock: async () => {} }, { sends: 2, clock: true })
    await queue.keepTimetable([{ job: { name: 'feed', campaign: null }, when: { everyMs: 60_000 } }])
    await queue.addSends(['m1'])
    await queue.drained(new AbortController().signal)
    await queue.stop(0)
    console.log('stopped')
  `)
    expect(printed).toBe('m1\nstopped\n')
  },
)

function catchError(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}
