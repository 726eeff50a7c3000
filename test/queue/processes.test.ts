import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Stack, stacks } from './stacks.ts'

const script = fileURLToPath(new URL('children/clock-worker.ts', import.meta.url))

/** What several processes on one queue have told, in the order in which it was heard. */
class Told {
  readonly lines: string[] = []
  #wake: () => void = () => undefined

  push(line: string): void {
    this.lines.push(line)
    this.#wake()
  }

  /** Resolves when so many lines match. */
  async until(pattern: RegExp, count = 1): Promise<void> {
    while (this.matching(pattern).length < count) await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  matching(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line))
  }
}

/** One process more on the stack's queue, which is ready to work. */
async function startProcess(
  stack: Stack,
  told: Told,
): Promise<{ child: ChildProcess; say(line: string): Promise<void> }> {
  const child = spawn(process.execPath, ['--no-warnings', script, stack.url, 'shared'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const own = new Told()
  createInterface({ input: child.stdout }).on('line', (line) => {
    own.push(line)
    told.push(line)
  })
  await own.until(/^ready/)
  return {
    child,
    async say(line) {
      child.stdin.write(`${line}\n`)
      await own.until(new RegExp(`^did ${line}$`))
    },
  }
}

async function twoProcesses(open: () => Promise<Stack>) {
  const stack = await open()
  onTestFinished(() => stack.close())
  const told = new Told()
  const [one, other] = await Promise.all([startProcess(stack, told), startProcess(stack, told)])
  return { told, one, other }
}

const shared = stacks.filter(({ name }) => name === 'redis' || name === 'postgres')

describe.each(shared)('two processes on $name', ({ open }) => {
  test('run each tick once while both keep the timetable, and go on when one of them is killed', async () => {
    const { told, one, other } = await twoProcesses(open)
    await Promise.all([one.say('keep'), other.say('keep')])
    await told.until(/^tick/, 10)
    one.child.kill('SIGKILL')
    await told.until(/^tick/, 20)
    const instants = told.matching(/^tick/).map((line) => Number(line.split(' ')[1]))
    // Half as many again would have come if each process had ticks of its own.
    const spanMs = Math.max(...instants) - Math.min(...instants)
    expect(instants.length).toBeLessThanOrEqual(spanMs / 200 + 3)
  })

  test('start once, and send once, what both ask for while it waits or runs', async () => {
    const { told, one, other } = await twoProcesses(open)
    for (let times = 0; times < 2; times += 1) {
      for (const order of ['now long', 'send long']) await Promise.all([one.say(order), other.say(order)])
      await told.until(/^long/)
      await told.until(/^sent/)
    }
    await told.until(/^tick/, told.matching(/^tick/).length + 3)
    expect([told.matching(/^long/).length, told.matching(/^sent/)]).toEqual([1, ['sent long']])
  })
})
