import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { freePort } from './free-port.ts'

export interface PostgresServer {
  /** Of the database `postgres`, as its superuser. */
  readonly url: string
  stop(): Promise<void>
  /** Stops it in an orderly way if it runs, and starts it again at the same address. */
  restart(): Promise<void>
  /** Ends it as a crash of the machine would. */
  kill(): void
}

export interface PostgresOptions {
  /** True: commits survive a crash, as in service; tests are faster without. */
  readonly durable?: boolean
}

/** Starts a PostgreSQL of its own on 127.0.0.1, in a temporary folder, which is gone when it is stopped. */
export async function startPostgres({ durable = false }: PostgresOptions = {}): Promise<PostgresServer> {
  const bin = binaryFolder()
  const owner = ownerOfClusters()
  const folder = await mkdtemp('/tmp/forewarn-postgres-')
  if (owner !== null) chownSync(folder, owner.uid, owner.gid)
  const data = join(folder, 'data')
  const locale = ['--encoding=UTF8', '--locale=C.UTF-8']
  await promisify(execFile)(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', ...locale],
    { cwd: folder, ...owner },
  )

  const port = await freePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'max_connections=200']
  if (!durable) settings.push('fsync=off', 'full_page_writes=off')
  const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
  let server: ChildProcess | null = null

  async function start(): Promise<void> {
    server = spawn(join(bin, 'postgres'), args, { cwd: folder, stdio: 'ignore', ...owner })
    await untilReady(url, server)
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (server === null || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill(signal)
    await ended
  }

  // SIGQUIT ends it at once, also when this process ends without having stopped it.
  const kill = () => void server?.kill('SIGQUIT')
  process.once('exit', kill)
  try {
    await start()
  } catch (error) {
    kill()
    throw error
  }
  return {
    url,
    kill,
    async restart() {
      await end('SIGINT')
      await start()
    },
    async stop() {
      process.off('exit', kill)
      await end('SIGQUIT')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Where Debian, Homebrew and everybody else puts the programs of a server, the newest version first. */
function binaryFolder(): string {
  const usual = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt'].flatMap((root) =>
    globSync(['[0-9]*/bin', 'postgresql*/bin'], { cwd: root }).map((folder) => join(root, folder)),
  )
  const newestFirst = usual.sort((one, other) => versionIn(other) - versionIn(one))
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...newestFirst]
  const found = folders.find((folder) => ['initdb', 'postgres'].every((name) => existsSync(join(folder, name))))
  if (found === undefined) throw new Error('PostgreSQL is not installed: run scripts/setup')
  return found
}

function versionIn(path: string): number {
  return Number(/\d+/.exec(path)?.[0] ?? 0)
}

/** PostgreSQL does not run as root: then as the user that its package has made. null: as whoever we are. */
function ownerOfClusters(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const id = (option: string) => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

async function untilReady(url: string, server: ChildProcess): Promise<void> {
  const deadlineMs = performance.now() + 30_000
  for (;;) {
    const client = new Client(url)
    try {
      await client.connect()
      return
    } catch (error) {
      if (server.exitCode !== null || performance.now() > deadlineMs) throw error
      await pause(20)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}
