import { setTimeout as pause } from 'node:timers/promises'
import type { Attempt, By, Closing, Gate, Ledger } from '#ledger/ledger.ts'

/** What a stop achieved. Of the attempts open when the gate closed, each is in exactly one of the five counts. */
export interface Receipt {
  readonly gate: Gate
  /** True: no attempt is open, and no call of SES will begin until the gate opens. */
  readonly drained: boolean
  /** Attempts that were open when the gate closed. */
  readonly inFlight: number
  /** Of these: accepted by SES. */
  readonly escaped: number
  /** Surely not accepted; their messages are held. */
  readonly returned: number
  /** Refused by SES for good. */
  readonly failed: number
  /** Ended without an answer. */
  readonly inDoubt: number
  /** Not ended yet. */
  readonly waitingFor: readonly Attempt[]
  /** Pending messages, which wait for the gate. */
  readonly held: number
  readonly heldByCampaign: Readonly<Record<string, number>>
  /** The audit's last hash when the gate closed. */
  readonly auditHash: string
}

export interface StopPorts {
  readonly ledger: Pick<Ledger, 'gates' | 'attempts' | 'reports'>
  /** Writes off the attempts of processes that are proven gone. */
  readonly settle: () => Promise<unknown>
}

/** How often a stop looks whether the attempts have ended. */
const lookEveryMs = 50

/**
 * Closes the gate of everything, waits until no attempt is open, for at most `waitMs` or until the signal aborts, and says
 * what came of it. The gate stays closed whatever happens afterwards. `onClosed` is told as soon as no new claim can succeed.
 */
export async function stop(
  ports: StopPorts,
  order: { by: By; scope: string; waitMs: number },
  signal: AbortSignal,
  onClosed: (closing: Closing) => void,
): Promise<Receipt> {
  const closing = await ports.ledger.gates.close(order.scope, order.by)
  onClosed(closing)
  const untilMs = performance.now() + order.waitMs
  let open = await openAttempts(ports)
  while (open.length > 0 && performance.now() < untilMs && !signal.aborted) {
    await pause(lookEveryMs, undefined, { signal }).catch(() => undefined)
    open = await openAttempts(ports)
  }
  return receiptOf(ports, closing, open)
}

async function openAttempts({ ledger, settle }: StopPorts): Promise<readonly Attempt[]> {
  const open = await ledger.attempts.open()
  if (open.length === 0) return open
  // What cannot be written off stays open, and is named in the receipt.
  await settle().catch(() => undefined)
  return ledger.attempts.open()
}

async function receiptOf({ ledger }: StopPorts, closing: Closing, open: readonly Attempt[]): Promise<Receipt> {
  const began = await ledger.attempts.byNumber(closing.inFlight)
  const ended = began.filter((attempt) => attempt.endedAt !== null)
  // One may have ended since `open` was read: it counts once.
  const waitingFor = open.filter(({ number }) => !ended.some((attempt) => attempt.number === number))
  const heldByCampaign = await heldMessages(ledger)
  return {
    gate: closing.gate,
    drained: waitingFor.length === 0,
    inFlight: began.length,
    escaped: count(ended, ['accepted']),
    returned: count(ended, ['throttled', 'paused', 'set-up', 'not-sent']),
    failed: count(ended, ['refused']),
    inDoubt: count(ended, ['unknown']),
    waitingFor,
    held: Object.values(heldByCampaign).reduce((sum, held) => sum + held, 0),
    heldByCampaign,
    auditHash: closing.auditHash,
  }
}

function count(attempts: readonly Attempt[], outcomes: readonly Attempt['outcome'][]): number {
  return attempts.filter(({ outcome }) => outcomes.includes(outcome)).length
}

/** Pending messages by campaign. */
export async function heldMessages(ledger: Pick<Ledger, 'reports'>): Promise<Record<string, number>> {
  const counts = await ledger.reports.countsByCampaign()
  return Object.fromEntries(
    [...counts].filter(([, states]) => states.pending > 0).map(([key, states]) => [key, states.pending]),
  )
}
