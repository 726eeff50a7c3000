import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { recipientForm } from '#core/address.ts'
import type { Clocks } from '#core/clock.ts'
import { ForewarnError } from '#core/errors.ts'
import type { Recipient } from '#core/recipient.ts'
import type { PinTable } from '#pins/pins.ts'
import type { Ledger } from '../ledger.ts'
import { parsePostgresAddress } from './address.ts'
import { postgresAttempts } from './attempts.ts'
import { postgresAudit } from './audit.ts'
import { Connection, type ConnectionOptions, type Database, insistent, patient } from './connection.ts'
import { postgresEditions } from './editions.ts'
import { postgresGates } from './gates.ts'
import { postgresLeases } from './leases.ts'
import { readMeta } from './meta.ts'
import { bringUpToDate } from './migrate.ts'
import { postgresOutbox } from './outbox.ts'
import { postgresPace } from './pace.ts'
import { postgresPinTable } from './pin-table.ts'
import { postgresPlans } from './plans.ts'
import { probe } from './probe.ts'
import { postgresReports } from './reports.ts'
import { postgresSuppressions, suppressedAmong } from './suppressions.ts'

interface Options extends Pick<ConnectionOptions, 'shiftMs' | 'afterCommit'> {
  readonly mode: 'migrate' | 'as-is'
  readonly clocks: Clocks
}

/** Opens the ledger at `postgres://…`. See `openLedger` and `parsePostgresAddress`. */
export async function openPostgresLedger(
  address: string,
  { mode, clocks, ...tests }: Options,
): Promise<{ ledger: Ledger; pinTable: PinTable }> {
  const options: ConnectionOptions = { ...tests, address: parsePostgresAddress(address) }
  const connection = new Connection(options)
  try {
    const patience = mode === 'as-is' ? insistent : patient
    const contents = await connection.insist(patience, () => connection.look(probe))
    if (contents === 'other') throw foreign(connection)
    if (contents === 'nothing' && mode === 'as-is') throw absent(connection)
    if (mode === 'migrate') await bringUpToDate(connection, options)
    const secret = await readSecret(connection, mode)
    return { ledger: ledgerOf(connection, secret, clocks), pinTable: postgresPinTable(connection) }
  } catch (error) {
    await connection.close()
    throw error
  }
}

function ledgerOf(connection: Connection, secret: KeyObject | null, clocks: Clocks): Ledger {
  const { address } = connection
  function recipientKey(email: string): string {
    if (secret === null) throw new ForewarnError('ledger-unusable', `the ledger ${address} has lost its secret`)
    return createHmac('sha256', secret).update(recipientForm(email)).digest('hex').slice(0, 32)
  }
  return {
    address,
    gates: postgresGates(connection),
    audit: postgresAudit(connection),
    editions: postgresEditions(connection),
    plans: postgresPlans(connection),
    outbox: postgresOutbox(connection, clocks),
    attempts: postgresAttempts(connection),
    pace: postgresPace(connection),
    leases: postgresLeases(connection),
    reports: postgresReports(connection),
    suppressions: postgresSuppressions(connection, recipientKey),
    recipientKey,
    recipients: (addresses) => connection.read((db) => recipientsOf(db, addresses, recipientKey)),
    databaseNow: () => connection.read((db) => connection.now(db)),
    close: () => connection.close(),
  }
}

async function recipientsOf(
  db: Database,
  addresses: readonly string[],
  recipientKey: (address: string) => string,
): Promise<Map<string, Recipient>> {
  const keys = new Map(addresses.map((address) => [address, recipientKey(address)]))
  const suppressed = await suppressedAmong(db, [...keys.values()])
  return new Map([...keys].map(([address, key]) => [address, { key, suppressed: suppressed.has(key) }]))
}

function absent({ address }: Connection): ForewarnError {
  return new ForewarnError('ledger-unusable', `there is no ledger at ${address}`, {
    hint: 'check the setting `database`; a new ledger is created by `forewarn migrate`, and by start and run',
  })
}

function foreign({ address, schema }: Connection): ForewarnError {
  return new ForewarnError('ledger-unusable', `the schema ${schema} in ${address} is another program's, not a ledger`, {
    hint: 'name a schema of its own in the setting `database`: postgres://…?search_path=NAME',
  })
}

/** A ledger of another version may keep its secret elsewhere; the stop does not need it. */
async function readSecret(connection: Connection, mode: Options['mode']): Promise<KeyObject | null> {
  try {
    const secret = await connection.read((db) => readMeta(db, 'secret'))
    // A key object: with the bare bytes each HMAC would take five times as long, and a scan makes one for each PIN.
    return secret === null ? null : createSecretKey(secret, 'hex')
  } catch (error) {
    if (mode === 'as-is') return null
    throw error
  }
}
