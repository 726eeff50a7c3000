import type { Backend } from './backend.ts'
import { parsePostgresUrl } from './postgres-url.ts'
import { queueUrlError } from './queue-url-error.ts'
import { parseRedisUrl } from './redis-url.ts'

/**
 * The backend that a queue URL names. Loads nothing: drivers are imported when it is opened.
 * @throws ForewarnError `usage` for a URL that names none.
 */
export function chooseBackend(url: string): Backend {
  if (url === 'embedded:') {
    return { kind: 'embedded', open: async () => (await import('./embedded-backend.ts')).openEmbedded() }
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() // never the whole URL: it may hold a password
  switch (scheme) {
    case 'redis':
    case 'rediss': {
      const address = parseRedisUrl(url)
      return { kind: 'redis', open: async () => (await import('./redis-backend.ts')).openRedis(address) }
    }
    case 'postgres':
    case 'postgresql': {
      const address = parsePostgresUrl(url)
      return { kind: 'postgres', open: async () => (await import('./postgres-backend.ts')).openPostgres(address) }
    }
    default:
      throw queueUrlError(scheme === undefined ? 'has no scheme' : `has a scheme that is not known, ${scheme}:`)
  }
}
