import { ForewarnError } from '#core/errors.ts'

/** True when the connection is gone, and another may do. */
export function isLost(error: unknown): boolean {
  return /^(57P01|57P05|08...|ECONNRESET|EPIPE|lost)$/.test(codeOf(error))
}

/** PostgreSQL's and the driver's errors in words, without what they quote: they may quote rows. */
export function explainedPostgres(error: unknown, shown: string): ForewarnError {
  const code = codeOf(error)
  const said = sentences.find(([codes]) => codes.test(code))
  const [, what = `failed with SQLSTATE ${code}`, hint = 'the log of PostgreSQL tells more', path = 'portal.url'] =
    said ?? []
  return new ForewarnError('portal-unusable', `the portal ${shown} ${what}`, { path, hint })
}

/** SQLSTATE, or the system's code of a failed connection; the driver's own words have none. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  if (!(error instanceof Error)) return 'unknown'
  if ('code' in error && typeof error.code === 'string') return error.code
  if (error.message.startsWith('Query read timeout')) return '57014'
  if (/^(timeout exceeded when trying to connect|timeout expired)/.test(error.message)) return 'ETIMEDOUT'
  if (/pool after calling end/.test(error.message)) return 'closed'
  if (/SSL/.test(error.message)) return 'tls'
  return /^(Connection terminated|Client )/.test(error.message) ? 'lost' : error.name
}

type Sentence = readonly [codes: RegExp, what: string, hint: string, path?: 'portal.relation']

const sentences: readonly Sentence[] = [
  [
    /^(ECONNREFUSED|ENOENT)$/,
    'could not be reached: nothing answers there',
    'check that it runs, and the setting portal.url',
  ],
  [
    /^(ENOTFOUND|EAI_AGAIN)$/,
    'could not be reached: its host is not known',
    'check the host in the setting portal.url',
  ],
  [
    /^(EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/,
    'could not be reached in time',
    'check the network between this machine and the portal',
  ],
  [/^28/, 'does not accept the user or password', 'check the setting portal.url'],
  [/^3D000$/, 'has no such database', 'check the setting portal.url'],
  [/^08P01$/, 'does not take the settings of a session', 'a PgBouncer in between must be left out: docs/portal.md'],
  [/^42501$/, 'does not let the user read the relation', 'grant select on the view: docs/portal.md', 'portal.relation'],
  [/^25006$/, 'has a relation that writes while it is read', 'forewarn reads only: leave that out of the view'],
  [/^(42|3F000)/, 'does not know the relation or a column of it', 'see docs/portal.md', 'portal.relation'],
  [/^53300$/, 'has no connection left', 'raise max_connections, or the connection limit of the user'],
  [/^57P0[123]$/, 'is starting or stopping', 'wait until it is up'],
  [
    /^40001$/,
    'broke off: a standby had to choose between the query and its primary',
    'raise max_standby_streaming_delay: docs/portal.md',
  ],
  [/^(57014|55P03)$/, 'did not answer in time', 'look for locks, and for the indexes that docs/portal.md names'],
  [/^(08|lost|ECONNRESET$|EPIPE$)/, 'lost the connection', 'look at the log of PostgreSQL'],
  [/^tls$/, 'and this machine do not agree about TLS', 'check sslmode in the setting portal.url'],
  [/^closed$/, 'was closed', 'it is read no more: this process is ending'],
]
