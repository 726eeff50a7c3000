import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'

export const root = resolve(import.meta.dirname, '../..')
const main = join(root, 'src/cli/main.js')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Surroundings {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** For Node itself, before the program. */
  readonly nodeArgs?: readonly string[]
}

/** Runs the real command line in a process of its own, which sees no setting but those given. */
export async function forewarn(args: readonly string[], surroundings: Surroundings): Promise<Ended> {
  const child = start(args, surroundings)
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), child.ended])
  return { code, stdout, stderr }
}

/** The same with `--json`: its one document. Throws when stdout holds anything else. */
export async function forewarnJson(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<Ended & { readonly document: unknown }> {
  const ended = await forewarn([...args, '--json'], surroundings)
  const lines = ended.stdout.split('\n')
  if (lines.length !== 2 || lines[1] !== '') throw new Error(`not one line of JSON: ${ended.stdout}\n${ended.stderr}`)
  return { ...ended, document: JSON.parse(lines[0] ?? '') }
}

/** A command that goes on until it is asked to end. */
export function start(args: readonly string[], { cwd, env = {}, nodeArgs = [] }: Surroundings) {
  const child = spawn(process.execPath, [...nodeArgs, main, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, FOREWARN_ACTOR: 'tester', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  running.add(child)
  child.once('close', () => running.delete(child))
  return { stdout: child.stdout, stderr: child.stderr, kill: (signal: NodeJS.Signals) => child.kill(signal), ended }
}

const running = new Set<ChildProcess>()

/** Ends what a failed test left running. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}
