import type { Clocks } from '#core/clock.ts'
import type { Ledger } from '#ledger/ledger.ts'
import type { OpenOptions } from '#ledger/open.ts'
import type { PinTable } from '#pins/pins.ts'

/** One kind of ledger, as the conformance suite meets it. */
export interface LedgerHarness {
  readonly name: string
  /** A new, empty ledger. */
  open(options?: { clocks?: Clocks }): Promise<TestLedger>
}

export interface Handle {
  readonly ledger: Ledger
  readonly pinTable: PinTable
}

export interface TestLedger extends Handle {
  /** Lets database time go on, for every handle. */
  shiftDatabaseTime(ms: number): void
  /** The next commit of any handle happens, but its answer does not arrive. */
  loseNextCommitAnswer(): void
  /** A second handle on the same ledger, as another process would have. */
  reopen(mode?: OpenOptions['mode']): Promise<Handle>
  /** Changes the ledger behind its back, by SQL that every kind of ledger understands. */
  tamper(sql: string): Promise<void>
  /** What is in the ledger, by the same kind of SQL. */
  look(sql: string): Promise<Record<string, unknown>[]>
  /** Closes all handles and removes the ledger. */
  close(): Promise<void>
}
