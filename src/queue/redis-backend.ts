import { setTimeout as sleep } from 'node:timers/promises'
import { type BackendFactory, createRedisBackend, type IQueueBackend, RedisConnection } from 'bullmq'
import { ForewarnError } from '#core/errors.ts'
import type { OpenBackend } from './backend.ts'
import { answerMs, type RedisClient, RedisClients } from './redis-clients.ts'
import { readInfo, refusalOf, warningsOf } from './redis-server.ts'
import type { RedisAddress } from './redis-url.ts'
import { connectionLost, faultOf, troubleOf } from './trouble.ts'
import { cannotUse, unusable } from './unusable.ts'

/**
 * A queue on Redis or Valkey, alone, behind Sentinels or as a Cluster. One connection for all producers of the process, one for
 * all workers, and a blocking one for each of these.
 * @throws ForewarnError `queue-unusable`
 */
export async function openRedis(address: RedisAddress): Promise<OpenBackend> {
  const clients = new RedisClients(address)
  const producer = clients.producer()
  const explain = (error: unknown) =>
    cannotUse(address.label, troubleOf(lostConnection(error) ? (clients.lastError ?? error) : error))
  try {
    await connect(producer)
    const refusal = refusalOf(readInfo(await producer.info()), address.cluster)
    if (refusal !== null) throw unusable(cannotUse(address.label, refusal))
  } catch (error) {
    clients.disconnect()
    throw error instanceof ForewarnError ? error : unusable(explain(error))
  }

  // What BullMQ takes for granted when it is told not to ask: the server was asked above, and an INFO that fails would leave
  // a Queue or a Worker unusable for ever.
  RedisConnection.minimumVersion = RedisConnection.recommendedMinimumVersion
  const options = {
    // The braces keep all keys in one slot of a Cluster: BullMQ's scripts touch many at once.
    prefix: `{${address.prefix}}`,
    skipVersionCheck: true,
  }
  let worker: RedisClient | undefined
  return {
    // Nobody reads BullMQ's event stream; its shortest length keeps it small.
    producerOptions: {
      ...options,
      connection: producer,
      skipWaitingForReady: true,
      streams: { events: { maxLen: 1 } },
    },
    workerOptions() {
      worker ??= clients.worker()
      return { ...options, connection: worker }
    },
    // The factory is only ever called with the connections above.
    factory: createRedisBackend as BackendFactory<IQueueBackend, unknown>,
    ping: async () => void (await producer.ping()),
    warnings: async () => warningsOf(readInfo(await producer.info())),
    explain,
    disconnect: () => clients.disconnect(),
    close: async () => clients.disconnect(),
  }
}

/** Resolves when it is connected, throws when the first attempt fails or takes too long. */
async function connect(client: RedisClient): Promise<void> {
  const late = new AbortController()
  const lateness = sleep(answerMs, undefined, { signal: late.signal }).then(
    () => Promise.reject(new Error('Command timed out')),
    () => undefined,
  )
  await Promise.race([client.connect(), lateness]).finally(() => late.abort())
}

/** What the driver says of a command whose connection was lost, instead of why. */
function lostConnection(error: unknown): boolean {
  return error instanceof Error && faultOf(error) === connectionLost
}
