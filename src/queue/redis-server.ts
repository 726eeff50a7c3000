/** What is known of a Redis from its INFO. */
export interface RedisServer {
  readonly version: string
  readonly mode: string
  readonly role: string
  readonly evictionPolicy: string
}

/** BullMQ's scripts and blocking fetches need it. Valkey tells the version of Redis that it is compatible with. */
const oldest = { major: 6, minor: 2 }

export function readInfo(info: string): RedisServer {
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? ''
  return {
    version: field('redis_version'),
    mode: field('redis_mode'),
    role: field('role'),
    evictionPolicy: field('maxmemory_policy'),
  }
}

/** Why no queue can live on this server, in words; null when it can. */
export function refusalOf({ version, mode, role }: RedisServer, cluster: boolean): string | null {
  const [major = Number.NaN, minor = 0] = version.split('.').map(Number)
  if (major < oldest.major || (major === oldest.major && minor < oldest.minor)) {
    return `its version is ${version}, and ${oldest.major}.${oldest.minor} is the oldest that will do`
  }
  if (!cluster && mode === 'cluster') return 'it is a node of a Cluster: add cluster=true to the URL'
  if (!cluster && mode === 'sentinel') return 'it is a Sentinel: add master_name=NAME to the URL'
  if (!cluster && role === 'slave') return 'it is a read-only replica'
  return null
}

/** What an operator should change. */
export function warningsOf({ evictionPolicy }: RedisServer): string[] {
  if (evictionPolicy === 'noeviction' || evictionPolicy === '') return []
  return [
    `Redis may throw queued work away when its memory is full (maxmemory-policy ${evictionPolicy}): set maxmemory-policy to noeviction`,
  ]
}
