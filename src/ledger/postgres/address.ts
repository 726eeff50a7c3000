import { ForewarnError } from '#core/errors.ts'

/** Where a ledger lies on a PostgreSQL server. */
export interface PostgresAddress {
  /** For the driver, with the password. */
  readonly connectionString: string
  /** The schema of the ledger's tables. */
  readonly schema: string
  /** To be shown: no password, nor what else the query may hold. */
  readonly shown: string
}

const defaultSchema = 'forewarn'

/**
 * Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE?…` with the driver's own parameters, as `sslmode`; `search_path=SCHEMA`, alone or as
 * libpq writes it, in `options`, is another schema than `forewarn`. Throws ForewarnError `usage`, which does not quote the address.
 */
export function parsePostgresAddress(address: string): PostgresAddress {
  const url = URL.parse(address)
  if (url === null) throw malformed('is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE')
  const { searchParams } = url

  const options = searchParams.get('options') ?? ''
  const [, inOptions] = /(?:-c\s*|--)search_path=(\S+)/.exec(options) ?? []
  const schema = searchParams.get('search_path') ?? inOptions ?? defaultSchema
  // Names that need no quotes. Those that begin with pg_ are PostgreSQL's own.
  if (!/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw malformed('names a search_path that is not one schema in lower-case letters, digits and _')
  }
  const shown = shownAddress(url, schema)

  searchParams.delete('search_path')
  // The last of several counts.
  searchParams.set('options', `${options} -c search_path=${schema}`.trim())
  if (!searchParams.has('application_name')) searchParams.set('application_name', 'forewarn')
  return { connectionString: url.href, schema, shown }
}

function shownAddress({ username, host, pathname, searchParams }: URL, schema: string): string {
  const user = username === '' ? '' : `${username}@`
  const socket = searchParams.get('host')
  const query = [
    ...(socket === null ? [] : [`host=${socket}`]),
    ...(schema === defaultSchema ? [] : [`search_path=${schema}`]),
  ].join('&')
  return `postgres://${user}${host}${pathname}${query === '' ? '' : `?${query}`}`
}

function malformed(what: string): ForewarnError {
  return new ForewarnError('usage', `the address of the ledger ${what}`, { path: 'database' })
}
