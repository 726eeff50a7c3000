import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

const root = resolve(import.meta.dirname, '../../..')

/** Compiled modules, kept between commands: a test starts many. */
const compileCache = join(tmpdir(), 'forewarn-promises-compiled')

/** A command that has ended. */
export interface Ended {
  /** null: a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A line of a command's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string }

/** A command that runs. */
export interface Running {
  readonly pid: number
  readonly ended: Promise<Ended>
  /** The first log line with this event, also one that came already. Rejects when the command ends without it. */
  logged(event: string): Promise<LogLine>
  kill(signal: NodeJS.Signals): void
}

/** The environment of a command: nothing of the caller's but the search path. */
export interface CommandEnvironment {
  readonly cwd: string
  readonly variables: Readonly<Record<string, string>>
}

/** Starts `forewarn ARGS` in a process of its own, which does not outlive the test. */
export function startForewarn(args: readonly string[], { cwd, variables }: CommandEnvironment): Running {
  const child = spawn(process.execPath, [resolve(root, 'src/cli/main.js'), ...args], {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: cwd,
      FOREWARN_ACTOR: 'tester',
      NODE_COMPILE_CACHE: compileCache,
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  const stderr: string[] = []
  const heard = new Set<(line: string) => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  createInterface({ input: child.stderr }).on('line', (line) => {
    stderr.push(line)
    for (const hear of heard) hear(line)
  })

  const ended = once(child, 'close').then(([code, signal]) => {
    return { code, signal, stdout, stderr: stderr.join('\n') } as Ended
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })

  async function logged(event: string): Promise<LogLine> {
    const { promise, resolve: found, reject } = Promise.withResolvers<LogLine>()
    const hear = (line: string): void => {
      const read = logLine(line)
      if (read?.msg === event) found(read)
    }
    heard.add(hear)
    stderr.forEach(hear)
    void ended.then((end) => reject(new Error(`it ended before it logged ${event}: ${describeEnd(end)}`)))
    return promise.finally(() => heard.delete(hear))
  }

  return { pid: child.pid ?? 0, ended, logged, kill: (signal) => void child.kill(signal) }
}

/** The log lines of a command, by what is JSON among the lines of stderr. */
export function logLines(stderr: string): LogLine[] {
  return stderr.split('\n').flatMap((line) => logLine(line) ?? [])
}

function logLine(line: string): LogLine | null {
  try {
    return JSON.parse(line) as LogLine
  } catch {
    return null
  }
}

/** The one JSON document that a command printed. Throws, with all that it said, when it printed none. */
export function documentOf<T>(end: Ended): T {
  try {
    return JSON.parse(end.stdout) as T
  } catch {
    throw new Error(`no JSON on stdout: ${describeEnd(end)}`)
  }
}

function describeEnd({ code, signal, stdout, stderr }: Ended): string {
  return `exit ${code ?? signal}\n${stdout}\n${stderr}`
}
