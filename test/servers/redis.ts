import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from './free-port.ts'

const program = 'redis-server'

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Sends one command, such as `command('CONFIG', 'SET', 'maxmemory', '1mb')`. */
  command(name: string, ...words: (string | number)[]): Promise<unknown>
  /** The same with another password than the one it was started with. */
  as(password: string): RedisServer['command']
  /** Ends it with all that it holds, as `kill -9` does. */
  kill(): Promise<void>
  /** Starts it anew at the same address, empty. */
  restart(): Promise<void>
  /** Lets it hang: connections stay, nothing answers. */
  suspend(): void
  resume(): void
  stop(): Promise<void>
}

interface RedisSecrets {
  readonly password: string | undefined
  readonly tls: RedisOptions['tls'] | undefined
}

export interface RedisOptions {
  /** As on its command line, such as `['--maxmemory', '1mb']`. */
  readonly args?: readonly string[]
  readonly password?: string
  /** The files of a key and a certificate for 127.0.0.1: it then speaks TLS alone. */
  readonly tls?: { readonly key: string; readonly cert: string }
}

/** Starts a Redis of its own on 127.0.0.1, without persistence, in a temporary folder, which is gone when it is stopped. */
export async function startRedis({ args = [], password, tls }: RedisOptions = {}): Promise<RedisServer> {
  const port = await freePort()
  const listening = tls
    ? ['--port', '0', '--tls-port', `${port}`, '--tls-key-file', tls.key, '--tls-cert-file', tls.cert]
    : ['--port', `${port}`]
  const secret = password === undefined ? [] : ['--requirepass', password, '--masterauth', password]
  const server = await run(port, ['--save', '', '--tls-auth-clients', 'no', ...listening, ...secret, ...args], {
    password,
    tls,
  })
  const user = password === undefined ? '' : `:${password}@`
  return { ...server, url: `${tls ? 'rediss' : 'redis'}://${user}127.0.0.1:${port}` }
}

/** A Sentinel that alone watches the master, under the name `main`, and is quick to replace it. */
export async function startSentinel(master: RedisServer): Promise<RedisServer> {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'forewarn-sentinel-'))
  const config = join(folder, 'sentinel.conf')
  const watching = [
    `monitor main 127.0.0.1 ${master.port} 1`,
    'down-after-milliseconds main 200',
    'failover-timeout main 1000',
  ]
  await writeFile(config, watching.map((line) => `sentinel ${line}\n`).join(''))
  const server = await run(port, [config, '--sentinel', '--port', `${port}`], { password: undefined, tls: undefined })
  const stop = () => server.stop().finally(() => rm(folder, { recursive: true, force: true }))
  return { ...server, stop, url: `redis://127.0.0.1:${port}?master_name=main` }
}

async function run(port: number, args: readonly string[], { password, tls }: RedisSecrets) {
  const folder = await mkdtemp(join(tmpdir(), 'forewarn-redis-'))
  let missing = false
  const start = () => {
    const process = spawn(program, [...args, '--bind', '127.0.0.1', '--dir', folder], { stdio: 'ignore' })
    return process.on('error', () => {
      missing = true
    })
  }
  let server = start()
  const kill = () => void server.kill('SIGKILL')
  process.once('exit', kill)

  const end = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    kill()
    await ended
  }

  const as =
    (secret: string | undefined) =>
    async (name: string, ...words: (string | number)[]) => {
      const client = new Redis({
        port,
        retryStrategy: null,
        ...(secret && { password: secret }),
        ...(tls && { tls: { rejectUnauthorized: false } }),
      })
      client.on('error', () => undefined) // the command itself fails as well
      return client.call(name, ...words).finally(() => client.disconnect())
    }
  const command = as(password)

  const untilReady = async () => {
    while ((await command('PING').catch(() => null)) !== 'PONG') {
      if (missing) throw new Error(`${program} is not installed: run scripts/setup`)
      if (server.exitCode !== null) throw new Error(`${program} ended with ${server.exitCode}`)
      await pause(10)
    }
  }

  await untilReady()
  return {
    port,
    command,
    as,
    kill: end,
    async restart() {
      await end()
      server = start()
      await untilReady()
    },
    suspend: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    async stop() {
      process.off('exit', kill)
      await end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A Cluster of one node, which refuses what a Cluster of many would: commands over several slots. */
export async function startRedisCluster(): Promise<RedisServer> {
  const server = await startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'] })
  await server.command('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383)
  while (!String(await server.command('CLUSTER', 'INFO')).includes('cluster_state:ok')) await pause(10)
  return { ...server, url: `${server.url}?cluster=true` }
}
