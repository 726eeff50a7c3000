import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface RunningProxy {
  readonly port: number
  /** From now on nothing goes through, as when the server hangs. */
  stall(): void
}

/** A server at another port that hands everything on, until the test ends; in the answers with `to` for `from`, which is as long. */
export async function startProxy(port: number, { from, to } = { from: '', to: '' }): Promise<RunningProxy> {
  const sockets = new Set<Socket>()
  let stalled = false
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    client.on('data', (data) => upstream.write(data))
    upstream.on('data', (data) => client.write(from === '' ? data : replaced(data, from, to)))
    join(client, upstream)
    join(upstream, client)
  }).listen(0, '127.0.0.1')

  function join(one: Socket, other: Socket): void {
    sockets.add(one)
    if (stalled) one.pause()
    one.on('error', () => other.destroy())
    one.on('close', () => {
      sockets.delete(one)
      other.destroy()
    })
  }

  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    stall() {
      stalled = true
      for (const socket of sockets) socket.pause()
    },
  }
}

function replaced(data: Buffer, from: string, to: string): Buffer {
  return Buffer.from(data.toString('latin1').replaceAll(from, to), 'latin1')
}
