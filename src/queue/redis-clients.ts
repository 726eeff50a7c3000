import { Cluster, Redis } from 'ioredis'
import type { RedisAddress } from './redis-url.ts'

export type RedisClient = Redis | Cluster

/** How long a producer waits for an answer. */
export const answerMs = 5_000

/** A connection on which nothing comes for so long, though something was asked, is dead: twice the longest blocking fetch. */
const silenceMs = 20_000

const longestRetryMs = 2_000

/** Opens connections to one Redis, and knows them all. */
export class RedisClients {
  readonly #address: RedisAddress
  readonly #open = new Set<RedisClient>()
  /** Why the connection was lost, or could not be made; undefined once one is made. */
  lastError: Error | undefined

  constructor(address: RedisAddress) {
    this.#address = address
  }

  /** What it asks fails when Redis is down: at once, or as soon as the next attempt to connect has failed. Not connected yet. */
  producer(): RedisClient {
    return this.#track(
      connection(this.#address, { commandTimeout: answerMs, maxRetriesPerRequest: 0, lazyConnect: true }),
    )
  }

  /** What it asks waits for a Redis that is down. Connects by itself. BullMQ makes duplicates of it. */
  worker(): RedisClient {
    return this.#track(connection(this.#address, { maxRetriesPerRequest: null }))
  }

  /** Ends all of them, and whatever waits for an answer. */
  disconnect(): void {
    for (const client of this.#open) {
      // Between two attempts to connect it would forget the next one, and never end what waits: in the middle of one it does.
      if (client.status === 'reconnecting') client.connect().catch(() => undefined)
      client.disconnect()
    }
  }

  #track<C extends RedisClient>(client: C): C {
    this.#open.add(client)
    client.on('end', () => this.#open.delete(client))
    client.on('ready', () => {
      this.lastError = undefined
    })
    client.on('error', (error: Error) => {
      this.lastError = error
    })
    const duplicate = client.duplicate.bind(client) as (...args: unknown[]) => RedisClient
    return Object.assign(client, { duplicate: (...args: unknown[]) => this.#track(duplicate(...args)) })
  }
}

interface Patience {
  readonly commandTimeout?: number
  readonly maxRetriesPerRequest: number | null
  readonly lazyConnect?: boolean
}

function connection(address: RedisAddress, patience: Patience): RedisClient {
  const { nodes, sentinel, cluster } = address
  const options = { ...shared(address), ...patience }
  if (cluster) {
    return new Cluster([...nodes], {
      redisOptions: options,
      lazyConnect: patience.lazyConnect === true,
      // Its queue of commands knows neither time-outs nor retries.
      enableOfflineQueue: patience.maxRetriesPerRequest === null,
      clusterRetryStrategy: retryAfterMs,
      // The names that a cluster tells are those in its certificates.
      ...(address.tls && { dnsLookup: (host, found) => found(null, host) }),
    })
  }
  if (sentinel) {
    const { username, password } = sentinel.credentials
    return new Redis({
      ...options,
      retryStrategy: retryAfterMs,
      sentinels: [...nodes],
      name: sentinel.masterName,
      ...(username !== null && { sentinelUsername: username }),
      ...(password !== null && { sentinelPassword: password }),
      ...(address.tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
      sentinelRetryStrategy: retryAfterMs,
      // A master that was replaced while it still answers is left.
      failoverDetector: true,
    })
  }
  return new Redis({ ...options, retryStrategy: retryAfterMs, ...nodes[0] })
}

function shared({ credentials, database, tls }: RedisAddress) {
  return {
    ...(credentials.username !== null && { username: credentials.username }),
    ...(credentials.password !== null && { password: credentials.password }),
    db: database,
    ...(tls && { tls: {} }),
    connectTimeout: answerMs,
    disconnectTimeout: 200,
    socketTimeout: silenceMs,
    // After a fail-over, the name or the Sentinels lead to another server.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  }
}

/** Later each time, and not all processes at once. */
function retryAfterMs(attempt: number): number {
  return Math.min(50 * 2 ** attempt, longestRetryMs) * (0.75 + Math.random() / 4)
}
