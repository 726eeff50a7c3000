import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { cert, key } from './certificate.ts'

/** A server on the loopback that answers every request in one way, counts them, and ends with the test. */
export interface Scripted {
  readonly url: string
  readonly port: number
  /** Requests that came in whole. */
  readonly requests: number
  readonly connections: readonly Socket[]
}

export function httpServer(answer: (response: ServerResponse, requests: number) => void): Promise<Scripted> {
  const { counts, listener } = counting(answer)
  return running(createHttpServer({ keepAliveTimeout: 0 }, listener), 'http', counts)
}

/** With the certificate of `certificate.ts`. */
export function httpsServer(answer: (response: ServerResponse, requests: number) => void): Promise<Scripted> {
  const { counts, listener } = counting(answer)
  return running(createHttpsServer({ key, cert, keepAliveTimeout: 0 }, listener), 'https', counts)
}

/** A server that speaks no HTTP of its own accord. */
export function tcpServer(protocol: 'http' | 'https', onConnection: (socket: Socket) => void): Promise<Scripted> {
  return running(createTcpServer(onConnection), protocol, { requests: 0 })
}

/** A port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

interface Counts {
  requests: number
}

function counting(answer: (response: ServerResponse, requests: number) => void) {
  const counts: Counts = { requests: 0 }
  const listener: RequestListener = (request, response) => {
    request.resume().once('end', () => answer(response, ++counts.requests))
  }
  return { counts, listener }
}

async function running(server: Server, protocol: string, counts: Counts): Promise<Scripted> {
  const connections: Socket[] = []
  server.on('connection', (socket: Socket) => {
    // What a client does to its connection is no failure of the server's.
    socket.on('error', () => undefined)
    connections.push(socket)
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of connections) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `${protocol}://127.0.0.1:${port}`,
    port,
    get requests() {
      return counts.requests
    },
    connections,
  }
}
