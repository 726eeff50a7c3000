import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { chooseBackend } from '#queue/backends.ts'
import { cert, key } from '../mail/certificate.ts'
import { type RedisOptions, type RedisServer, startRedis, startRedisCluster, startSentinel } from '../servers/redis.ts'
import { aQueue, feedUntilTaken, refusal } from './given-queue.ts'
import { startProxy } from './proxy.ts'

async function redis(options?: RedisOptions): Promise<RedisServer> {
  const server = await startRedis(options)
  onTestFinished(() => server.stop())
  return server
}

/** A queue there takes a message and sends it. */
async function expectWork(url: string): Promise<void> {
  const { queue, work, untilSent } = aQueue(url)
  await queue.start()
  await work()
  await queue.addSends(['m1'])
  await untilSent('m1')
}

/** What `start` says about the queue at `url`. */
async function startRefusal(url: string): Promise<unknown> {
  const { error, tookMs } = await refusal(() => aQueue(url).queue.start())
  expect(tookMs).toBeLessThan(8_000)
  expect(error).toMatchObject({ code: 'queue-unusable', path: 'queue' })
  expect(JSON.stringify(error) + String(error)).not.toMatch(/secret|hunter2/)
  return error instanceof Error ? error.message : error
}

describe('starting on', () => {
  test('nothing that listens says where, without the password', async () => {
    const server = await redis()
    await server.kill()
    expect(await startRefusal(server.url.replace('//', '//app:secret@'))).toBe(
      `the queue at ${server.url} cannot be used: the connection is refused`,
    )
  })

  test('a Redis that hangs says so within seconds', async () => {
    const server = await redis()
    server.suspend()
    expect(await startRefusal(server.url)).toContain('does not answer')
  })

  test('a host that does not exist says so', async () => {
    expect(await startRefusal('redis://nowhere.invalid')).toContain('host is not found')
  })

  test.each([
    ['a wrong password', 'default:secret', 'refuses the user or the password'],
    ['no password', '', 'wants a password'],
  ])('a Redis with a password and %s says so', async (_, user, words) => {
    const server = await redis({ password: 'hunter2' })
    expect(await startRefusal(`redis://${user}@127.0.0.1:${server.port}`)).toContain(words)
  })

  test('a replica says that it is one', async () => {
    const master = await redis()
    const replica = await redis({ args: ['--replicaof', '127.0.0.1', `${master.port}`] })
    expect(await startRefusal(replica.url)).toContain('read-only replica')
  })

  test('a Redis that is too old says which will do', async () => {
    const server = await redis()
    const version = /redis_version:(\S+)/.exec(String(await server.command('INFO', 'server')))?.[1] ?? ''
    const old = version.replace(/^\d/, '5')
    const { port } = await startProxy(server.port, { from: `redis_version:${version}`, to: `redis_version:${old}` })
    expect(await startRefusal(`redis://127.0.0.1:${port}`)).toContain(`its version is ${old}, and 6.2 is the oldest`)
  })

  test('a node of a Cluster, or a Sentinel, says what is missing in the URL', async () => {
    const cluster = await startRedisCluster()
    onTestFinished(() => cluster.stop())
    expect(await startRefusal(`redis://127.0.0.1:${cluster.port}`)).toContain('add cluster=true')
    const sentinel = await startSentinel(await redis())
    onTestFinished(() => sentinel.stop())
    expect(await startRefusal(`redis://127.0.0.1:${sentinel.port}`)).toContain('add master_name=')
  })

  test('a certificate that nobody trusts says so', async () => {
    const server = await redis({ tls: certificateFiles() })
    expect(await startRefusal(server.url)).toMatch(/certificate is not trusted.*NODE_EXTRA_CA_CERTS/)
  })
})

describe('a queue works', () => {
  test('with a user, a password that needs encoding, and a database', async () => {
    const password = 'p@ss/w:rd%'
    const server = await redis({ password })
    const url = `redis://default:${encodeURIComponent(password)}@127.0.0.1:${server.port}/3`
    await expectWork(url)
    const { queue } = aQueue(url)
    await queue.addSends(['m2'])
    expect(await server.command('INFO', 'keyspace')).toMatch(/^db3:/m)
  })

  test('over TLS, with an authority that the process trusts', async () => {
    const before = getCACertificates()
    setDefaultCACertificates([...before, cert])
    onTestFinished(() => setDefaultCACertificates(before))
    const server = await redis({ tls: certificateFiles() })
    await expectWork(server.url)
  })

  test('again by itself after the only node of its Cluster was restarted', async () => {
    const server = await startRedisCluster()
    onTestFinished(() => server.stop())
    const { queue, work, untilSent } = aQueue(server.url)
    await queue.start()
    await work()
    await server.kill()
    const { error, tookMs } = await refusal(() => queue.addSends(['lost']))
    expect(error).toMatchObject({ code: 'queue-unusable' })
    expect(tookMs).toBeLessThan(8_000)
    await server.restart()
    await feedUntilTaken(queue, 'after')
    await untilSent('after')
  })

  test('on behind a Sentinel after the master was killed and its replica took over', async () => {
    const master = await redis()
    const replica = await redis({ args: ['--replicaof', '127.0.0.1', `${master.port}`] })
    const sentinel = await startSentinel(master)
    onTestFinished(() => sentinel.stop())
    await expect
      .poll(async () => String(await sentinel.command('SENTINEL', 'replicas', 'main')), { timeout: 20_000 })
      .toContain(`${replica.port}`)
    const { queue, work, untilSent } = aQueue(sentinel.url)
    await queue.start()
    await work()
    await queue.addSends(['before'])
    await untilSent('before')

    await master.kill()
    await feedUntilTaken(queue, 'after')
    await untilSent('after')
    expect(await replica.command('ROLE')).toContain('master')
  })

  test('apart from another with the same name and another prefix', async () => {
    const server = await redis()
    const [one, other] = ['one', 'other'].map((prefix) => aQueue(`${server.url}?prefix=${prefix}`))
    await one?.queue.addSends(['m1'])
    expect(await other?.queue.counts()).toEqual({ waiting: 0, active: 0 })
    expect(await server.command('KEYS', '{one}:*')).not.toEqual([])
    expect(await server.command('KEYS', '{other}:*:wait')).toEqual([])
  })
})

describe('warnings', () => {
  test('tell of a Redis that may evict, once at the start and to whoever asks', async () => {
    const server = await redis({ args: ['--maxmemory-policy', 'allkeys-lru'] })
    const warning = expect.stringMatching(/throw queued work away.*allkeys-lru.*set maxmemory-policy to noeviction/)
    const { queue, lines } = aQueue(server.url)
    await queue.start()
    expect(lines).toEqual([{ warning }])

    const backend = await chooseBackend(server.url).open()
    onTestFinished(() => backend.close())
    expect(await backend.warnings()).toEqual([warning])
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    expect(await backend.warnings()).toEqual([])
  })
})

function certificateFiles(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'forewarn-certificate-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
  writeFileSync(files.key, key)
  writeFileSync(files.cert, cert)
  return files
}
