import { DrizzleQueryError } from 'drizzle-orm'
import { DatabaseError } from 'pg'
import { ForewarnError } from '#core/errors.ts'

/** True when the server has said so itself, and not its silence. */
export function isAnswer(error: unknown): boolean {
  return driverError(error) instanceof DatabaseError
}

/** The server is a standby, or has become one. */
export function isReadOnly(error: unknown): boolean {
  return codeOf(error) === '25006'
}

/** True when the same may succeed a moment later: connections lost or refused, a server that starts or ends, deadlocks, time-outs. */
export function mayPass(error: unknown): boolean {
  const found = driverError(error)
  if (found instanceof ForewarnError) return false
  const code = codeOf(found)
  if (code !== null) return passingStates.test(code) || passingCodes.test(code)
  return found instanceof Error && lostConnection.test(found.message)
}

/** SQLSTATEs: of the connection, of a server that starts, ends or changes its part, of transactions that met, and of time-outs. */
const passingStates = /^(08...|25006|25P03|40001|40P01|53300|55P03|57014|57P0.)$/
/** The system's codes. */
const passingCodes = /^E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOENT|AI_AGAIN)$/
/** The driver's own words, which have no code. */
const lostConnection = /^(Connection terminated|timeout exceeded|Query read timeout|Client (has|was) )/

/** PostgreSQL's and the driver's errors in words, without what they quote; all others as they are. */
export function explained(error: unknown, address: string): unknown {
  const found = driverError(error)
  if (!(found instanceof Error) || found instanceof ForewarnError) return found
  const code = codeOf(found)
  if (code === null && !lostConnection.test(found.message)) return found
  const said = sentences.find(([codes]) => codes.test(code ?? 'lost'))
  return new ForewarnError('ledger-unusable', `the ledger ${address} ${said?.[1] ?? `failed with SQLSTATE ${code}`}`, {
    hint: said?.[2] ?? 'nothing was half written; the log of PostgreSQL tells more',
    // Errors about data quote it.
    ...(/^2[23]/.test(code ?? '') ? {} : { cause: found }),
  })
}

/** The driver's own error inside drizzle's, whose message quotes all parameters: addresses too. */
function driverError(error: unknown): unknown {
  return error instanceof DrizzleQueryError ? driverError(error.cause) : error
}

/** SQLSTATE, or the system's code of a failed connection; null: neither. */
function codeOf(error: unknown): string | null {
  const found = driverError(error)
  return found instanceof Error && 'code' in found && typeof found.code === 'string' ? found.code : null
}

const sentences: readonly (readonly [codes: RegExp, what: string, hint: string])[] = [
  [
    /^(ECONNREFUSED|ENOENT)$/,
    'could not be reached: nothing answers there',
    'check that PostgreSQL runs, and the setting `database`',
  ],
  [
    /^(ENOTFOUND|EAI_AGAIN)$/,
    'could not be reached: its host is not known',
    'check the host in the setting `database`',
  ],
  [
    /^(EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/,
    'could not be reached',
    'check the network between this machine and PostgreSQL',
  ],
  [/^28/, 'was refused: PostgreSQL does not accept the user or password', 'check the setting `database`'],
  [/^3D000$/, 'could not be opened: there is no such database', 'create it: createdb NAME'],
  [
    /^(3F000|42P01)$/,
    'lacks its tables',
    'check the setting `database`; a new ledger is created by `forewarn migrate`',
  ],
  [/^42501$/, 'does not permit this to the user', "grant the user the ledger's schema, or let it create one"],
  [/^25006$/, 'is read-only', 'the server may be a standby: connect to the primary'],
  [/^53100$/, 'could not be written: the disk is full', 'free some space; nothing was half written'],
  [/^53300$/, 'has no connection left', 'raise max_connections, or run fewer processes'],
  [/^57P0[123]$/, 'is starting or stopping', 'wait until PostgreSQL is up'],
  [/^(57014|55P03|25P03)$/, 'did not answer in time', 'look for what holds locks or keeps PostgreSQL busy'],
  [/^(08|lost|ECONNRESET$|EPIPE$)/, 'lost its connection', 'nothing was half written; look at the log of PostgreSQL'],
  [/^(XX001|XX002)$/, 'is damaged', 'restore it from a backup'],
]
