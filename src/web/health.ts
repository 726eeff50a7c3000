import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { ForewarnError } from '#core/errors.ts'

/** What readiness asks. Each throws when its part does not answer. */
export interface HealthChecks {
  readonly ledger: () => Promise<unknown>
  readonly queue: () => Promise<unknown>
}

export interface RunningWeb {
  readonly url: string
  /** May be called twice. */
  stop(): Promise<void>
}

/** `/healthz`: the process is up. `/readyz`: ledger (and with it the gates) and queue answer; a closed gate is ready. */
export function healthRoutes(checks: HealthChecks): Hono {
  const app = new Hono()
  app.get('/healthz', (context) => context.json({ ok: true }))
  app.get('/readyz', async (context) => {
    const [ledger, queue] = await Promise.all([answers(checks.ledger), answers(checks.queue)])
    return context.json({ ready: ledger && queue, ledger, queue }, ledger && queue ? 200 : 503)
  })
  return app
}

async function answers(check: () => Promise<unknown>): Promise<boolean> {
  try {
    await check()
    return true
  } catch {
    // What is wrong stands in the log of the part itself; readiness is asked every few seconds.
    return false
  }
}

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
