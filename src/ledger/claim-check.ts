import type { Clocks } from '#core/clock.ts'
import type { Instant } from '#core/instant.ts'
import { type MessageState, mayMove } from '#core/message-state.ts'
import { type ClaimRefusal, type ClaimRequest, claimProtocol, everything } from './ledger.ts'

/** What a claim must know of the ledger, as it is inside the claim's transaction. */
export interface ClaimView {
  gate(scope: string): { readonly state: string; readonly claimProtocol: number } | undefined
  message(id: string): ClaimedMessage | undefined
  openReminders(messageId: string): readonly OpenReminder[]
  suppressed(recipientKey: string): boolean
  /** How many mails count in a bucket. */
  count(bucket: string): number
}

interface ClaimedMessage {
  readonly campaign: string
  readonly state: MessageState
  readonly recipientKey: string
  readonly notBefore: Instant
}

interface OpenReminder {
  readonly id: string
  readonly pinId: string
  readonly version: string
  readonly stage: string
}

/** Nothing is in the way: the buckets to count the mail in, and the business time of the claim. */
interface Permit {
  readonly buckets: readonly string[]
  readonly at: Instant
}

/** Checks at one moment all that must hold for a claim, and changes nothing. */
export function checkClaim(
  view: ClaimView,
  request: ClaimRequest,
  clocks: Clocks,
): Permit | { readonly refused: ClaimRefusal } {
  if (clocks.monotonicMs() > request.freshUntilMonotonicMs) return { refused: 'stale' }

  const found = view.message(request.messageId)
  if (!isOpen(view, everything)) return { refused: 'gate' }
  if (found === undefined) return { refused: 'not-pending' }
  if (!isOpen(view, found.campaign)) return { refused: 'gate' }
  if (!mayMove(found.state, 'sending')) return { refused: 'not-pending' }
  if (!isExactly(request.composed, view.openReminders(request.messageId))) return { refused: 'changed' }
  if (view.suppressed(found.recipientKey)) return { refused: 'changed' }

  const at = clocks.business()
  const { fromAt, untilAt } = request.opening ?? { fromAt: found.notBefore, untilAt: Number.POSITIVE_INFINITY }
  if (at < Math.max(fromAt, found.notBefore) || at >= untilAt) return { refused: 'window' }

  const counters = countersOf(request, found.recipientKey)
  const full = counters.find(({ bucket, max }) => view.count(bucket) >= max)
  if (full !== undefined) return { refused: full.because }
  return { buckets: counters.map(({ bucket }) => bucket), at }
}

interface Counter {
  readonly bucket: string
  readonly max: number
  readonly because: 'limit' | 'cap'
}

/** The counters that a claim for this recipient counts in. */
export function countersOf({ limits, cap }: Pick<ClaimRequest, 'limits' | 'cap'>, recipientKey: string): Counter[] {
  const counters: Counter[] = limits.map((limit) => ({ ...limit, because: 'limit' }))
  if (cap !== null) counters.push({ bucket: `cap:${recipientKey}:${cap.localDate}`, max: cap.max, because: 'cap' })
  return counters
}

/** A gate that is missing, or says anything but `on`, is closed. */
function isOpen(view: ClaimView, scope: string): boolean {
  const found = view.gate(scope)
  return found?.state === 'on' && (scope !== everything || found.claimProtocol === claimProtocol)
}

/** True when the mail was composed of these reminders, of each in this version and at this stage, and of no other. */
function isExactly(composed: ClaimRequest['composed'], open: readonly OpenReminder[]): boolean {
  const rest = new Map(open.map((one) => [one.id, one]))
  for (const { id, pinId, version, stage } of composed) {
    const one = rest.get(id)
    if (one?.pinId !== pinId || one.version !== version || one.stage !== stage) return false
    rest.delete(id)
  }
  return composed.length > 0 && rest.size === 0
}
