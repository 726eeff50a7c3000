import { Hono } from 'hono'

/** What is served to whoever watches the service. */
export interface Exposition {
  readonly contentType: string
  /** Never throws, and never takes long: what cannot be read is left out. */
  readonly text: () => Promise<string>
}

/** `/metrics`, as Prometheus reads it. */
export function metricsRoute({ contentType, text }: Exposition): Hono {
  const app = new Hono()
  app.get('/metrics', async (context) => context.body(await text(), 200, { 'Content-Type': contentType }))
  return app
}
