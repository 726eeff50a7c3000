import { Socket } from 'node:net'
import {
  type BackendFactory,
  type IQueueBackend,
  type PgPool,
  type PgQueryable,
  PostgresConnection,
  PostgresQueueBackend,
  runMigrations,
} from 'bullmq'
import { Client, type ClientConfig, Pool } from 'pg'
import { ForewarnError } from '#core/errors.ts'
import type { OpenBackend } from './backend.ts'
import type { PostgresAddress } from './postgres-url.ts'
import { troubleOf } from './trouble.ts'
import { cannotUse, unusable } from './unusable.ts'

/** How long an answer is waited for, and a connection. */
const answerMs = 5_000

/** Several processes that start at once migrate one after the other. */
const migrationMs = 30_000

/** Of a process: each of three workers keeps one to listen, the others are for what producers and workers ask. */
const connections = 10

/** What BullMQ's functions need. */
const oldestVersion = 14

/**
 * A queue on PostgreSQL, in a schema of its own, which is made or brought up to date here.
 * @throws ForewarnError `queue-unusable`
 */
export async function openPostgres(address: PostgresAddress): Promise<OpenBackend> {
  const explain = (error: unknown) => cannotUse(address.label, troubleOf(error))
  const sockets = new Sockets()
  const config: ClientConfig = {
    connectionString: address.connectionString,
    options: `${address.options} -c search_path="${address.schema}"`.trimStart(),
    application_name: 'forewarn queue',
    connectionTimeoutMillis: answerMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    stream: () => sockets.open(),
  }
  await migrate(config, address).catch((error) => {
    throw error instanceof ForewarnError ? error : unusable(explain(error))
  })

  const pool = new Pool({ ...config, max: connections, query_timeout: answerMs })
  // Those that are lost while idle are told by BullMQ, once for each of its backends.
  pool.on('error', () => undefined)
  return {
    // Nobody reads BullMQ's event stream; its shortest length keeps the table small.
    producerOptions: { connection: pool, streams: { events: { maxLen: 1 } } },
    workerOptions: () => ({ connection: pool }),
    factory: onPool(pool, address.schema),
    ping: async () => void (await pool.query('SELECT 1')),
    warnings: async () => [],
    explain,
    disconnect: () => sockets.destroy(),
    close: () => pool.end(),
  }
}

/** Makes BullMQ's schema, on a connection of its own. */
async function migrate(config: ClientConfig, address: PostgresAddress): Promise<void> {
  const client = new Client({ ...config, query_timeout: migrationMs })
  client.on('error', () => undefined) // what waits for an answer hears of it as well
  try {
    await client.connect()
    const { rows } = await client.query<{ version: string }>("SELECT current_setting('server_version') AS version")
    const version = rows[0]?.version ?? ''
    if (!(Number.parseInt(version, 10) >= oldestVersion)) {
      throw unusable(
        cannotUse(address.label, `its version is ${version}, and ${oldestVersion} is the oldest that will do`),
      )
    }
    await runMigrations(await withoutSchemaCreation(client, address.schema), address.schema)
  } finally {
    void client.end().catch(() => undefined)
  }
}

/** In a database where the user may make no schema, an administrator has made it: PostgreSQL refuses even `IF NOT EXISTS`. */
async function withoutSchemaCreation(client: Client, schema: string): Promise<PgQueryable> {
  const { rowCount } = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema])
  if (rowCount === 0) return client
  const query = (text: string, params?: unknown[]) =>
    text.startsWith('CREATE SCHEMA') ? Promise.resolve({ rows: [] }) : client.query(text, params)
  return { query: query as PgQueryable['query'] }
}

/** All Queues and Workers of the process on one pool, in one schema. */
function onPool(pool: Pool, schema: string): BackendFactory<IQueueBackend, unknown> {
  return (name, options) => new PostgresQueueBackend(new SharedConnection(pool, schema), name, options as never)
}

class SharedConnection extends PostgresConnection {
  override readonly schema: string

  constructor(pool: Pool, schema: string) {
    super(pool as unknown as PgPool)
    this.schema = schema
  }

  /** The schema is in place. BullMQ would ask once more, and be unusable for ever if that failed. */
  override async waitUntilReady(): Promise<void> {}
}

/** The driver's own connections, which it ends only with the server's help. */
class Sockets {
  readonly #open = new Set<Socket>()
  #destroyed = false

  open(): Socket {
    const socket = new Socket()
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
    if (this.#destroyed) setImmediate(() => socket.destroy())
    return socket
  }

  /** Ends those that are open, and each that is opened from now on. */
  destroy(): void {
    this.#destroyed = true
    for (const socket of this.#open) socket.destroy()
  }
}
