import { createHmac } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { recipientForm } from '#core/address.ts'
import type { Clocks } from '#core/clock.ts'
import { ForewarnError } from '#core/errors.ts'
import type { Ledger } from '../ledger.ts'
import type { OpenedLedger, OpenOptions } from '../open.ts'
import { sqliteAttempts } from './attempts.ts'
import { sqliteAudit } from './audit.ts'
import { Connection, type ConnectionOptions, explained, isBusy, patient } from './connection.ts'
import { sqliteEditions } from './editions.ts'
import { sqliteGates } from './gates.ts'
import { sqliteLeases } from './leases.ts'
import { readMeta } from './meta.ts'
import { bringUpToDate } from './migrate.ts'
import { sqliteOutbox } from './outbox.ts'
import { sqlitePace } from './pace.ts'
import { sqlitePinTable } from './pin-table.ts'
import { sqlitePlans } from './plans.ts'
import { sqliteReports } from './reports.ts'

/** Opens the ledger in one SQLite file, by its absolute path. */
export async function openSqliteLedger(
  file: string,
  options: OpenOptions & { readonly clocks: Clocks },
): Promise<OpenedLedger> {
  if (options.mode === 'migrate') await makeFolder(file)
  else if (!existsSync(file)) throw absent(file)

  const connection = await connect({ ...options, file })
  try {
    if (options.mode === 'migrate') await bringUpToDate(connection, file)
    const secret = await readSecret(connection, options.mode)
    return {
      ledger: ledgerOf(connection, `file:${file}`, secret, options.clocks),
      pinTable: sqlitePinTable(connection),
    }
  } catch (error) {
    connection.close()
    throw error
  }
}

function ledgerOf(connection: Connection, address: string, secret: Buffer | null, clocks: Clocks): Ledger {
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
    recipientKey(email) {
      if (secret === null) throw new ForewarnError('ledger-unusable', `the ledger ${address} has lost its secret`)
      return createHmac('sha256', secret).update(recipientForm(email)).digest('hex').slice(0, 32)
    },
    databaseNow: async () => connection.now(),
    close: async () => {
      if (connection.open) connection.close()
    },
  }
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
    hint: 'check the setting `database`',
  })
}

/** Waits while another process has the file locked, as when it changes a new file's journal mode. */
async function connect(options: ConnectionOptions): Promise<Connection> {
  const deadlineMs = performance.now() + patient.forMs
  for (;;) {
    try {
      return new Connection(options)
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadlineMs) throw explained(error, options.file)
      await pause(patient.pauseMs)
    }
  }
}

/** A ledger of another version may keep its secret elsewhere; the stop does not need it. */
async function readSecret(connection: Connection, mode: OpenOptions['mode']): Promise<Buffer | null> {
  try {
    const secret = await connection.read(() => readMeta(connection.db, 'secret'))
    return secret === null ? null : Buffer.from(secret, 'hex')
  } catch (error) {
    if (mode === 'as-is') return null
    throw error
  }
}
