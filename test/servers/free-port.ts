import { once } from 'node:events'
import { createServer } from 'node:net'

/** A node of a Redis Cluster also listens 10,000 higher. */
const highestPort = 55_535

/** A port that is free now, and likely to stay so while the server restarts. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port <= highestPort ? address.port : freePort()
}
