import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { ForewarnError } from '#core/errors.ts'
import type { Gate } from '#ledger/ledger.ts'
import { timely } from './timely.ts'

/** What readiness asks. Each throws when its part does not answer. */
export interface HealthChecks {
  /** The gate of everything; null: the ledger has none, which is as if it could not be read. */
  readonly gate: () => Promise<Gate | null>
  readonly queue: () => Promise<unknown>
}

export interface RunningWeb {
  readonly url: string
  /** May be called twice. */
  stop(): Promise<void>
}

/** What has not answered for so long is not ready. */
export const answerWithinMs = 2_000

/**
 * `/healthz`: the process is up. `/readyz`: the ledger, the kill switch in it and the queue answer within `withinMs`; a closed gate
 * is ready.
 */
export function healthRoutes(checks: HealthChecks, withinMs = answerWithinMs): Hono {
  const askGate = timely(checks.gate, withinMs)
  const askQueue = timely(checks.queue, withinMs)
  const app = new Hono()
  app.get('/healthz', (context) => context.json({ ok: true }))
  app.get('/readyz', async (context) => {
    // What is wrong stands in the log of the part itself; readiness is asked every few seconds.
    const [asked, queue] = await Promise.all([
      askGate().catch(() => noAnswer),
      askQueue().then(
        () => true,
        () => false,
      ),
    ])
    const ledger = asked !== noAnswer
    const gate = ledger && asked !== null
    const ready = gate && queue
    return context.json({ ready, ledger, gate, queue }, ready ? 200 : 503)
  })
  return app
}

const noAnswer = Symbol('no answer')

/** Serves on `host:port` (0: any free one). Throws ForewarnError `port-taken`. */
export async function startWeb(app: Hono, { host, port }: { host: string; port: number }): Promise<RunningWeb> {
  const server = serve({ fetch: app.fetch, hostname: host, port })
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE'
      reject(taken ? new ForewarnError('port-taken', `port ${port} of ${host} is taken`, { path: 'web.port' }) : error)
    })
  })
  const address = server.address()
  const actual = typeof address === 'object' && address !== null ? address.port : port
  let stopped: Promise<void> | null = null
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    stop: () => {
      stopped ??= new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      })
      return stopped
    },
  }
}
