/** The fault of a command whose connection was lost: the drivers then say what became of it, not why. */
export const connectionLost = 'connection lost'

const lost =
  /^(Connection is closed|Connection terminated unexpectedly|Reached the max retries per request|Stream isn't writeable|Cluster isn't ready)/

/** What the errors of Redis, PostgreSQL, their drivers and the network mean, by what `faultOf` makes of them. */
const meanings: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused',
  ENOTFOUND: 'its host is not found',
  EAI_AGAIN: 'its host is not found',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'its host cannot be reached',
  ECONNRESET: 'the connection was lost',
  EPIPE: 'the connection was lost',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted (NODE_EXTRA_CA_CERTS names a file of more authorities)',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted (NODE_EXTRA_CA_CERTS names a file of more authorities)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is not trusted (NODE_EXTRA_CA_CERTS names a file of more authorities)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate is not trusted (NODE_EXTRA_CA_CERTS names a file of more authorities)',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  CERT_HAS_EXPIRED: 'its certificate has expired',

  WRONGPASS: 'it refuses the user or the password',
  NOAUTH: 'it wants a password',
  NOPERM: 'its user lacks a permission',
  READONLY: 'it is a read-only replica',
  OOM: 'its memory is full (maxmemory)',
  LOADING: 'it is still loading its data',
  MISCONF: 'it takes no writes, since it cannot save to its disk',
  MASTERDOWN: 'it has lost its master',
  CLUSTERDOWN: 'the cluster is down',
  MOVED: 'it is a node of a Cluster: add cluster=true to the URL',
  'All sentinels are unreachable and retry is disabled.': 'no Sentinel can be reached',
  [connectionLost]: 'the connection was lost',
  'Command timed out': 'it does not answer',

  '28P01': 'it refuses the user or the password',
  '28000': 'it refuses the user',
  '3D000': 'there is no such database',
  '42501': 'its user lacks a permission: it must own the schema, or may create it',
  '53300': 'it has no connection left',
  '57P01': 'it is shutting down',
  '57P03': 'it is starting up',
  '25006': 'it is read-only',
  'Query read timeout': 'it does not answer',
  'timeout expired': 'it does not answer',
  'timeout exceeded when trying to connect': 'it does not answer',
  'Connection terminated due to connection timeout': 'it does not answer',
}

/** What went wrong, in words for a person; without what a server's text may quote. */
export function troubleOf(error: unknown): string {
  const fault = faultOf(error)
  return meanings[fault] ?? fault
}

/**
 * What went wrong, in a word or few: the error's code, Redis's own first word, or the text without the parts that differ
 * from job to job. So few different ones that they may be kept, and none with a secret.
 */
export function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const first = firstOf(error)
  if (first) return faultOf(first)
  if ('code' in error && typeof error.code === 'string') return error.code
  if (lost.test(error.message)) return connectionLost
  const word = /^(?!ERR\b)[A-Z]{3,}\b/.exec(error.message)?.[0]
  // Redis quotes the arguments of a command that it does not know: of AUTH, the password.
  return (
    word ??
    error.message
      .replace(/,? with args.*/s, '')
      .replace(/\S*\d\S*/g, '…')
      .slice(0, 200)
  )
}

/** The error that the driver wraps: what a transaction, or a cluster, failed of. */
function firstOf(error: Error): unknown {
  if ('previousErrors' in error && Array.isArray(error.previousErrors)) return error.previousErrors[0]
  return 'lastNodeError' in error ? error.lastNodeError : undefined
}
