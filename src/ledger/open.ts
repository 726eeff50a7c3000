import { resolve } from 'node:path'
import type { Clocks } from '#core/clock.ts'
import { ForewarnError } from '#core/errors.ts'
import type { PinTable } from '#pins/pins.ts'
import type { Ledger } from './ledger.ts'

export interface OpenOptions {
  /** `migrate` creates what is missing and brings the ledger up to date; `as-is`, for the stop, takes an existing ledger of any version. */
  readonly mode: 'migrate' | 'as-is'
  /** Default: the machine's. */
  readonly clocks?: Clocks
  /** Added to database time. For tests. */
  readonly shiftMs?: () => number
  /** Called after each commit; what it throws is taken as a lost commit answer. For tests. */
  readonly afterCommit?: () => void
}

export interface OpenedLedger {
  readonly ledger: Ledger
  /** The built-in PIN source, which lives beside the ledger. */
  readonly pinTable: PinTable
}

/**
 * Opens the ledger at `file:PATH` or `postgres://…`; the one place that chooses its implementation. Throws ForewarnError: `usage` for
 * an address of another kind, `ledger-unusable` when it cannot be opened, `ledger-newer` when a newer version has written it.
 */
export async function openLedger(address: string, options: OpenOptions): Promise<OpenedLedger> {
  if (/^postgres(ql)?:/.test(address)) {
    const { openPostgresLedger } = await import('./postgres/postgres-ledger.ts')
    return openPostgresLedger(address, { clocks: machineClocks, ...options })
  }
  const path = /^file:(?:\/\/(?=\/))?([^?]+)$/.exec(address)?.[1]
  if (path === undefined) {
    throw new ForewarnError('usage', 'the address of the ledger is not of the form file:PATH or postgres://…', {
      path: 'database',
    })
  }
  const { openSqliteLedger } = await import('./sqlite/sqlite-ledger.ts')
  return openSqliteLedger(resolve(path), { clocks: machineClocks, ...options })
}

const machineClocks: Clocks = {
  business: () => Date.now(),
  wall: () => Date.now(),
  monotonicMs: () => performance.now(),
}
