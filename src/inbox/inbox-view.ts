import type { Account } from './account.ts'
import type { Calls } from './calls.ts'
import type { FaultPlayer } from './fault-player.ts'
import type { Mails } from './mails.ts'

/** What tests, JSON and pages see of a running inbox. */
export interface InboxView {
  readonly account: Account
  readonly mails: Mails
  readonly calls: Calls
  readonly faults: FaultPlayer
  /** Calls `listener` after every change, until the signal aborts. */
  watch(listener: () => void, signal: AbortSignal): void
}
