import { decoded, knownParameters, queueUrlError } from './queue-url-error.ts'

/** Where a Redis is, and as whom it is used. */
export interface RedisAddress {
  /** For people: without credentials. */
  readonly label: string
  readonly tls: boolean
  /** The server; with `sentinel` the Sentinels, with `cluster` some of its nodes. */
  readonly nodes: readonly RedisNode[]
  readonly credentials: RedisCredentials
  readonly database: number
  readonly sentinel: { readonly masterName: string; readonly credentials: RedisCredentials } | null
  readonly cluster: boolean
  /** Keeps this installation's keys apart from others' on the same Redis. */
  readonly prefix: string
}

export interface RedisNode {
  readonly host: string
  readonly port: number
}

export interface RedisCredentials {
  readonly username: string | null
  readonly password: string | null
}

/**
 * Reads a queue URL of Redis. Parameters are named as in go-redis, which the Redis documentation follows:
 *
 * - `redis://USER:PASSWORD@HOST:PORT/DB`, with TLS `rediss://…`
 * - Cluster: `redis://HOST:PORT?cluster=true`, or `redis://HOST1:PORT?addr=HOST2:PORT&addr=HOST3:PORT`
 * - Sentinel: `redis://SENTINEL1:PORT/DB?master_name=NAME&addr=SENTINEL2:PORT&username=…&password=…`; the parameters are
 *   for the servers, the credentials before the host for the Sentinels
 * - `prefix=NAME`: of all keys, instead of `forewarn`
 *
 * @throws ForewarnError `usage`
 */
export function parseRedisUrl(text: string): RedisAddress {
  const url = URL.parse(text)
  if (url === null || url.hostname === '') throw queueUrlError('names no host')
  const names = ['master_name', 'username', 'password', 'cluster', 'prefix']
  const given = knownParameters(url, names, ['addr'])
  const tls = url.protocol === 'rediss:'
  const { master_name: masterName, prefix = 'forewarn' } = given
  if (masterName === '') throw queueUrlError('has an empty master_name')
  if (masterName === undefined && ('username' in given || 'password' in given)) {
    throw queueUrlError('has username or password as a parameter: without master_name they stand before the host')
  }
  const defaultPort = masterName === undefined ? 6379 : 26_379
  const nodes = [url.host, ...url.searchParams.getAll('addr')].map((address) => nodeAt(address, defaultPort))
  const cluster = isCluster(given.cluster, masterName, nodes.length)
  const database = databaseOf(url.pathname)
  if (cluster && database !== 0) throw queueUrlError('names a database, and a Cluster has none but 0')
  if (!/^[A-Za-z0-9_-]{1,60}$/.test(prefix))
    throw queueUrlError('has a prefix that is no name of letters, digits, - and _')

  const before = { username: decoded(url.username) || null, password: decoded(url.password) || null }
  const named = { username: given.username || null, password: given.password || null }
  return {
    label: labelOf(url.protocol, nodes, database, masterName),
    tls,
    nodes,
    credentials: masterName === undefined ? before : named,
    database,
    sentinel: masterName === undefined ? null : { masterName, credentials: before },
    cluster,
    prefix,
  }
}

function isCluster(given: string | undefined, masterName: string | undefined, nodes: number): boolean {
  if (given !== undefined && given !== 'true' && given !== 'false')
    throw queueUrlError('has a cluster that is not true or false')
  if (masterName !== undefined) {
    if (given === 'true') throw queueUrlError('has both master_name, for Sentinel, and cluster')
    return false
  }
  if (given === 'false' && nodes > 1) throw queueUrlError('has several addresses, for neither a Cluster nor Sentinel')
  return given === 'true' || nodes > 1
}

function nodeAt(address: string, defaultPort: number): RedisNode {
  const { hostname = '', port = '', pathname = '' } = URL.parse(`redis://${address}`) ?? {}
  if (hostname === '' || pathname !== '') throw queueUrlError('has an addr that is not HOST or HOST:PORT')
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? defaultPort : Number(port) }
}

function databaseOf(pathname: string): number {
  const digits = /^\/?(\d{0,4})$/.exec(pathname)?.[1]
  if (digits === undefined) throw queueUrlError('has a path that is not the number of a database')
  return Number(digits)
}

function labelOf(protocol: string, nodes: readonly RedisNode[], database: number, masterName: string | undefined) {
  const hosts = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',')
  const master = masterName === undefined ? '' : ` (Sentinel, ${masterName})`
  return `${protocol}//${hosts}${database === 0 ? '' : `/${database}`}${master}`
}
