import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export interface Child {
  say(line: string): void
  /** The next line that it prints; throws when it ends instead. */
  hear(): Promise<string>
}

/** Starts a script of `children/` in a process of its own, which is ended after the test; returns when it is ready. */
export async function startChild(script: string, ...args: string[]): Promise<Child> {
  const path = fileURLToPath(new URL(`children/${script}`, import.meta.url))
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(process.execPath, [path, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  async function hear(): Promise<string> {
    const next = await lines.next()
    if (next.done) throw new Error(`${script} ended`)
    return next.value
  }
  await hear()
  return { say: (line) => child.stdin.write(`${line}\n`), hear }
}
