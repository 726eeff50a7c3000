import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { recipientForm } from '#core/address.ts'
import type { Clocks } from '#core/clock.ts'
import { ForewarnError } from '#core/errors.ts'
import type { Recipient } from '#core/recipient.ts'
import type { PinTable } from '#pins/pins.ts'
import type { Ledger } from '../ledger.ts'
import { sqliteAttempts } from './attempts.ts'
import { sqliteAudit } from './audit.ts'
import { Connection, type ConnectionOptions, explained, insistent, isBusy, lacksRoom, patient } from './connection.ts'
import { sqliteEditions } from './editions.ts'
import { sqliteGates } from './gates.ts'
import { sqliteLeases } from './leases.ts'
import { readMeta } from './meta.ts'
import { bringUpToDate } from './migrate.ts'
import { sqliteOutbox } from './outbox.ts'
import { sqlitePace } from './pace.ts'
import { sqlitePinTable } from './pin-table.ts'
import { sqlitePlans } from './plans.ts'
import { isThere, probe } from './probe.ts'
import { sqliteReports } from './reports.ts'
import { keepReserve, spendReserve } from './reserve.ts'
import { sqliteSuppressions, suppressedAmong } from './suppressions.ts'

interface Options extends Omit<ConnectionOptions, 'file' | 'makeRoom'> {
  readonly mode: 'migrate' | 'as-is'
  readonly clocks: Clocks
}

/** Opens the ledger in one SQLite file, by its absolute path. See `openLedger`. */
export async function openSqliteLedger(
  file: string,
  options: Options,
): Promise<{ ledger: Ledger; pinTable: PinTable }> {
  const { mode } = options
  if (mode === 'migrate') await makeFolder(file)
  const contents = isThere(file) ? await whileLocked(file, mode, () => probe(file)) : 'nothing'
  if (contents === 'other') throw foreign(file)
  if (contents === 'nothing' && mode === 'as-is') throw absent(file)

  const makeRoom = () => spendReserve(file)
  const connection = await whileLocked(file, mode, () => new Connection({ ...options, file, makeRoom }))
  try {
    if (mode === 'migrate') await bringUpToDate(connection, file)
    if (mode === 'migrate') keepReserve(file)
    const secret = await readSecret(connection, mode)
    return {
      ledger: ledgerOf(connection, `file:${file}`, secret, options.clocks),
      pinTable: sqlitePinTable(connection),
    }
  } catch (error) {
    connection.close()
    throw error
  }
}

function ledgerOf(connection: Connection, address: string, secret: KeyObject | null, clocks: Clocks): Ledger {
  function recipientKey(email: string): string {
    if (secret === null) throw new ForewarnError('ledger-unusable', `the ledger ${address} has lost its secret`)
    return createHmac('sha256', secret).update(recipientForm(email)).digest('hex').slice(0, 32)
  }
  return {
    address,
    gates: sqliteGates(connection),
    audit: sqliteAudit(connection),
    editions: sqliteEditions(connection),
    plans: sqlitePlans(connection),
    outbox: sqliteOutbox(connection, clocks),
    attempts: sqliteAttempts(connection),
    pace: sqlitePace(connection),
    leases: sqliteLeases(connection),
    reports: sqliteReports(connection),
    suppressions: sqliteSuppressions(connection, recipientKey),
    recipientKey,
    recipients: (addresses) => connection.read(() => recipientsOf(connection, addresses, recipientKey)),
    databaseNow: async () => connection.now(),
    close: async () => {
      if (connection.open) connection.close()
    },
  }
}

function recipientsOf(
  connection: Connection,
  addresses: readonly string[],
  recipientKey: (address: string) => string,
): Map<string, Recipient> {
  const keys = new Map(addresses.map((address) => [address, recipientKey(address)]))
  const suppressed = suppressedAmong(connection, [...keys.values()])
  return new Map([...keys].map(([address, key]) => [address, { key, suppressed: suppressed.has(key) }]))
}

async function makeFolder(file: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true })
  } catch (error) {
    throw new ForewarnError('ledger-unusable', `the folder of the ledger ${file} could not be created`, {
      hint: 'check the setting `database` and the permissions of the folders above it',
      cause: error,
    })
  }
}

function absent(file: string): ForewarnError {
  return new ForewarnError('ledger-unusable', `there is no ledger at ${file}`, {
    hint: 'check the setting `database`; a new ledger is created by `forewarn migrate`, and by start and run',
  })
}

function foreign(file: string): ForewarnError {
  return new ForewarnError('ledger-unusable', `${file} is the database of another program, not a ledger`, {
    hint: 'give the setting `database` a file of its own',
  })
}

/**
 * Opening does not wait for locks by itself, and meets one when another process changes a new file's journal mode. It writes two
 * files beside the ledger: where a stop has no room for them, the reserve is spent.
 */
async function whileLocked<T>(file: string, mode: Options['mode'], open: () => T): Promise<T> {
  const { forMs, pauseMs } = mode === 'as-is' ? { ...patient, forMs: insistent.forMs } : patient
  const deadlineMs = performance.now() + forMs
  for (;;) {
    try {
      return open()
    } catch (error) {
      if (mode === 'as-is' && lacksRoom(error) && spendReserve(file)) continue
      if (!isBusy(error) || performance.now() > deadlineMs) throw explained(error, file)
      await pause(pauseMs)
    }
  }
}

/** A ledger of another version may keep its secret elsewhere; the stop does not need it. */
async function readSecret(connection: Connection, mode: Options['mode']): Promise<KeyObject | null> {
  try {
    const secret = await connection.read(() => readMeta(connection.db, 'secret'))
    // A key object: with the bare bytes each HMAC would take five times as long, and a scan makes one for each PIN.
    return secret === null ? null : createSecretKey(secret, 'hex')
  } catch (error) {
    if (mode === 'as-is') return null
    throw error
  }
}
