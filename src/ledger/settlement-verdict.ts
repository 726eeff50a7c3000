import type { Instant } from '#core/instant.ts'
import { type MessageState, mayMove } from '#core/message-state.ts'
import type { NewAuditEntry } from './audit-chain.ts'
import type { Settled, Settlement } from './ledger.ts'

/** An attempt's row as it was before the settlement. */
interface AttemptBefore {
  readonly outcome: string | null
  readonly beganAt: Instant | null
  readonly endedAt: Instant | null
}

interface MessageBefore {
  readonly state: MessageState
  readonly currentAttempt: number | null
}

/** What a settlement means for the ledger. */
export interface Verdict {
  readonly settled: Settled
  /** True: the message moves to the settlement's state. */
  readonly moves: boolean
  /** The same answer again, as after a lost commit: one answer counts once. */
  readonly repeated: boolean
  /** For the audit; null: none. */
  readonly alarm: NewAuditEntry | null
}

/** Compares an answer with what the ledger holds of its attempt and message. undefined: it holds nothing of it. */
export function settlementVerdict(
  settlement: Settlement,
  attempt: AttemptBefore | undefined,
  message: MessageBefore | undefined,
): Verdict {
  const repeated = attempt !== undefined && isRepeated(attempt, settlement)
  const isCurrent = message !== undefined && message.currentAttempt === settlement.attempt
  if (isCurrent && (message.state === 'sending' || message.state === 'in_doubt')) {
    return { settled: 'applied', moves: mayMove(message.state, settlement.to), repeated, alarm: null }
  }
  if (settlement.outcome === 'accepted' && !(isCurrent && message.state === 'sent')) {
    return { settled: 'alarm', moves: false, repeated, alarm: repeated ? null : alarm(settlement, message) }
  }
  return { settled: repeated ? 'applied' : 'late', moves: false, repeated, alarm: null }
}

/** One that was written off never began, for the ledger. */
function isRepeated(before: AttemptBefore, settlement: Settlement): boolean {
  return before.endedAt !== null && before.outcome === settlement.outcome && before.beganAt === settlement.beganAt
}

function alarm({ messageId, attempt, sesId }: Settlement, found: MessageBefore | undefined): NewAuditEntry {
  return {
    by: { actor: 'forewarn', reason: 'accepted after its message had gone on without it: it may have gone out twice' },
    action: 'message.alarm',
    subject: messageId,
    before: found && { state: found.state, currentAttempt: found.currentAttempt },
    after: { attempt, sesId },
  }
}
