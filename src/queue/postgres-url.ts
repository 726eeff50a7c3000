import { queueUrlError } from './queue-url-error.ts'

/** Where a PostgreSQL is, and which schema of it is the queue's. */
export interface PostgresAddress {
  /** For people: without credentials. */
  readonly label: string
  /** For the driver, without what is ours. Holds the password. */
  readonly connectionString: string
  readonly schema: string
  /** What the URL wants of the server itself, as `-c NAME=VALUE …`. */
  readonly options: string
}

/**
 * Reads a queue URL of PostgreSQL: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with the driver's own parameters
 * (`sslmode`, …), and `schema=NAME` for a schema other than `forewarn_queue`.
 * @throws ForewarnError `usage`
 */
export function parsePostgresUrl(text: string): PostgresAddress {
  const url = URL.parse(text)
  if (url === null) throw queueUrlError('is none')
  const [schema = 'forewarn_queue', another] = url.searchParams.getAll('schema')
  if (another !== undefined) throw queueUrlError('has the parameter schema twice')
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) throw queueUrlError('has a schema that is no name of a-z, 0-9 and _')
  const options = url.searchParams.get('options') ?? ''
  const host = url.host || url.searchParams.get('host') || 'localhost'
  url.searchParams.delete('schema')
  url.searchParams.delete('options')
  return { label: `postgres://${host}${url.pathname}`, connectionString: url.href, schema, options }
}
