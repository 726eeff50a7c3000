import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** What happens when the client next says a word. */
type Mishap =
  /** The server does not hear it: both lose the connection. */
  | 'cut-before'
  /** The server hears it and answers, but the answer does not arrive. */
  | 'cut-after'
  /** The server hears it only when the line lets go; the client waits. */
  | 'hold'
  /** As `hold`, but the client loses the connection at once. */
  | 'cut-and-hold'

/** A line to a server, which can be made to fail at a word of the client's. */
export interface Line {
  readonly port: number
  /** At the next time that the client says this, once. Resolves when it has happened. */
  failAt(word: string, mishap: Mishap): Promise<void>
  /** Lets what is held reach the server. */
  letGo(): void
  /** Ends all connections. */
  cut(): void
  close(): Promise<void>
}

interface Armed {
  readonly word: string
  readonly mishap: Mishap
  happened(): void
}

/** Opens a line to a server on this machine. */
export async function openLine(serverPort: number): Promise<Line> {
  const sockets = new Set<Socket>()
  let armed: Armed | null = null
  let letGo = () => {}

  function join(client: Socket, server: Socket): void {
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    let held: Buffer[] | null = null
    const hangUp = () => {
      client.destroy()
      if (held === null) server.destroy()
    }
    client.on('close', hangUp)
    server.on('close', hangUp)
    server.on('data', (data) => client.write(data))
    client.on('data', (data) => {
      if (held !== null) {
        held.push(data)
        return
      }
      const happening = armed !== null && data.includes(armed.word) ? armed : null
      if (happening === null) {
        server.write(data)
        return
      }
      armed = null
      switch (happening.mishap) {
        case 'cut-before':
          hangUp()
          break
        case 'cut-after':
          server.removeAllListeners('data')
          server.once('data', hangUp)
          server.write(data)
          break
        default: {
          held = [data]
          const late = held
          letGo = () => {
            held = null
            for (const one of late) server.write(one)
          }
          if (happening.mishap === 'cut-and-hold') client.destroy()
        }
      }
      happening.happened()
    })
  }

  const line = createServer((client) => join(client, connect(serverPort, '127.0.0.1'))).listen(0, '127.0.0.1')
  await once(line, 'listening')
  const address = line.address()
  if (address === null || typeof address === 'string') throw new Error('no port')

  function cut(): void {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  return {
    port: address.port,
    failAt: (word, mishap) => new Promise((happened) => (armed = { word, mishap, happened })),
    letGo: () => letGo(),
    cut,
    async close() {
      cut()
      line.close()
      await once(line, 'close')
    },
  }
}
