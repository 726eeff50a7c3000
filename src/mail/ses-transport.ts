import * as http from 'node:http'
import * as https from 'node:https'

/** A request as the SDK hands it over: signed, with its body as bytes or text. */
interface SignedRequest {
  readonly method: string
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

interface Received {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: http.IncomingMessage
}

/** No connection came to be, or none that is safe: not a byte of the request has left. The cause is the network's error. */
export class NotConnected extends Error {
  override readonly name = 'NotConnected'
}

/**
 * Idle connections are closed after this time, well before a server would do it (5 s and more): a request that crosses
 * with the server's close gets a reset, which looks like a mail that was perhaps accepted.
 */
const idleMs = 1_000

/**
 * What carries the SDK's requests. In place of the SDK's own carrier, since that one cannot tell afterwards whether a
 * request that failed had left. One signal ends a request, whatever it waits for.
 */
export function sesTransport(keptConnections: number) {
  // No `maxSockets`: a request that queued for a connection would begin later than its caller allowed.
  const agentOptions = { keepAlive: true, maxFreeSockets: keptConnections, timeout: idleMs }
  const plain = new http.Agent(agentOptions)
  const secure = new https.Agent(agentOptions)

  function handle(request: SignedRequest, { abortSignal }: { readonly abortSignal?: AbortSignal } = {}) {
    const { promise, resolve, reject } = Promise.withResolvers<{ readonly response: Received }>()
    const isSecure = request.protocol === 'https:'
    const { method, port, path, headers } = request
    // An IPv6 address comes in brackets.
    const hostname = request.hostname.replace(/^\[(.*)\]$/, '$1')
    const options = { method, hostname, port, path, headers, signal: abortSignal }
    const call = isSecure ? https.request({ ...options, agent: secure }) : http.request({ ...options, agent: plain })

    let connected = false
    call.once('socket', (socket) => {
      // A connection that is not new is ready, and may carry the request at once.
      connected = !socket.connecting
      if (!connected) socket.once(isSecure ? 'secureConnect' : 'connect', () => (connected = true))
    })
    call.on('error', (error) => reject(connected ? error : new NotConnected('not connected', { cause: error })))
    call.once('response', (response) =>
      resolve({
        response: { statusCode: response.statusCode ?? 0, headers: singleHeaders(response), body: response },
      }),
    )
    call.end(request.body)
    return promise
  }

  return {
    metadata: { handlerProtocol: 'http/1.1' },
    handle,
    destroy(): void {
      plain.destroy()
      secure.destroy()
    },
  }
}

function singleHeaders({ headersDistinct }: http.IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headersDistinct).map(([name, values]) => [name, values?.join(', ') ?? '']))
}
