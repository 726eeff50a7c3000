import { parseAddress } from '#core/address.ts'
import type { Campaign } from '#core/campaign.ts'
import type { NextTick } from '#core/forecast.ts'
import type { Instant } from '#core/instant.ts'
import { type Pin, versionOf } from '#core/pin.ts'
import { addressesOf, recipientOf } from '#core/recipient.ts'
import type { History, HistoryReminder, Ledger } from '#ledger/ledger.ts'
import type { PinLookup, PinSource } from '#pins/pins.ts'
import { type ExplainedEvent, inOrder, messageEvents, reminderEvents, type Standing } from './explain-events.ts'
import { nextStage } from './explain-next.ts'
import { type OpenVerdict, openVerdicts } from './explain-open.ts'
import { nextWords, waitWords } from './explain-words.ts'
import { type WaitCause, type WaitPorts, waitCauses } from './wait-causes.ts'

/** What was found of what somebody asked for. */
export interface Explanation {
  readonly kind: 'pin' | 'recipient' | 'message'
  /** The PINs that it is about, as the portal has them now: at most 1,000. null: the portal gave no answer. */
  readonly pins: readonly Pin[] | null
  /** In order of time, what is still to come last. */
  readonly events: readonly ExplainedEvent[]
  /** True when there are older events than these. */
  readonly truncated: boolean
}

export interface ExplainPorts extends WaitPorts {
  readonly ledger: Pick<
    Ledger,
    'reports' | 'gates' | 'pace' | 'editions' | 'outbox' | 'plans' | 'recipients' | 'recipientKey'
  >
  readonly pins: Pick<PinSource, 'read'> & PinLookup
  /** When a campaign's scans run. */
  readonly nextTick: (campaign: Campaign) => NextTick
  /** Business time. */
  readonly at: Instant
}

const mostEvents = 1_000
/** PINs of which it is told how they stand and what comes next. */
const mostPins = 1_000

/**
 * Finds what a person names by PIN id, reference, message id or address, in this order, and tells everything that was
 * decided about it and why, where it waits, and what comes next. null: nothing is known of it.
 */
export async function explain(ports: ExplainPorts, asked: string): Promise<Explanation | null> {
  const found = await find(ports, asked.trim())
  if (found === null) return null
  const { kind, history } = found
  const pins = found.pins?.slice(0, mostPins) ?? null
  const standing = await standingOf(ports, history, pins)
  const inMessage = Map.groupBy(history.reminders, ({ messageId }) => messageId)
  const events = [
    ...history.reminders.flatMap((reminder) => reminderEvents(reminder, standing.verdictOf(reminder))),
    ...history.messages.flatMap((message) => messageEvents(message, inMessage.get(message.id) ?? [], standing)),
    ...(await aheadEvents(ports, history, pins ?? [], standing.causeOf)),
  ].sort(inOrder)
  const truncated = history.truncated || events.length > mostEvents || (found.pins ?? []).length > mostPins
  return { kind, pins, events: events.slice(-mostEvents), truncated }
}

/** How things stand now for what is open. */
async function standingOf(
  { ledger, pins: portal, at: now, rate }: ExplainPorts,
  { reminders, messages }: History,
  pins: readonly Pin[] | null,
): Promise<Standing & { verdictOf: (reminder: HistoryReminder) => OpenVerdict }> {
  const messageOf = new Map(messages.map((message) => [message.id, message]))
  const open = reminders.filter(({ outcome, messageId }) => {
    return outcome === null && (messageId === null || messageOf.get(messageId)?.state === 'pending')
  })
  // Also those that have another address by now.
  const openPins = [...new Set(open.map(({ pinId }) => pinId))]
  const found = pins === null ? null : (await answerOf(read(portal, openPins))).found
  const known = found === null ? null : new Map(found.map((pin) => [pin.pinId, pin]))
  const judged = await openVerdicts(ledger, known, now)
  const isOpen = new Set(open)
  const verdictOf = (reminder: HistoryReminder): OpenVerdict => {
    if (!isOpen.has(reminder)) return null
    return judged(reminder, messageOf.get(reminder.messageId ?? '')?.recipientKey ?? null)
  }
  return {
    now,
    causeOf: await waitCauses({ ledger, rate }, now),
    verdictOf,
    isLive: ({ id }) => open.some((reminder) => reminder.messageId === id && verdictOf(reminder) === null),
  }
}

interface Found {
  readonly kind: Explanation['kind']
  readonly history: History
  /** As the portal has them now; null: it gave no answer. */
  readonly pins: readonly Pin[] | null
}

/** Throws what the portal threw, when the ledger knows nothing and so the portal's answer would have counted. */
async function find({ ledger, pins }: ExplainPorts, asked: string): Promise<Found | null> {
  const { reports } = ledger
  const ofPin = await reports.history({ pinId: asked })
  const pin = await answerOf(read(pins, [asked]))
  if (ofPin.reminders.length > 0 || (pin.found ?? []).length > 0)
    return { kind: 'pin', history: ofPin, pins: pin.found }

  const message = await reports.message(asked)
  if (message !== null) {
    const history = await reports.history({ messageId: message.id })
    const ids = new Set(history.reminders.map(({ pinId }) => pinId))
    return { kind: 'message', history, pins: (await answerOf(read(pins, [...ids]))).found }
  }
  const parsed = parseAddress(asked)
  if ('problem' in parsed) return nothing(pin)
  const history = await reports.history({ recipientKey: ledger.recipientKey(parsed.address) })
  const theirs = await answerOf(pins.ofAddress(parsed.address))
  const isKnown = history.reminders.length > 0 || (theirs.found ?? []).length > 0
  return isKnown ? { kind: 'recipient', history, pins: theirs.found } : nothing(theirs)
}

async function read(pins: ExplainPorts['pins'], ids: readonly string[]): Promise<Pin[]> {
  return [...(await pins.read(ids)).values()]
}

/** What the portal said, or why it did not. */
type PortalAnswer = { readonly found: readonly Pin[] } | { readonly found: null; readonly error: unknown }

async function answerOf(pins: Promise<readonly Pin[]>): Promise<PortalAnswer> {
  try {
    return { found: await pins }
  } catch (error) {
    return { found: null, error }
  }
}

function nothing(answer: PortalAnswer): null {
  if (answer.found === null) throw answer.error
  return null
}

/** What each campaign that was ever enabled is to do next about these PINs: what waits under another address, and what comes. */
async function aheadEvents(
  { ledger, nextTick, at }: ExplainPorts,
  { reminders }: History,
  pins: readonly Pin[],
  causeOf: (campaign: string, why: 'ready') => WaitCause,
): Promise<ExplainedEvent[]> {
  const recipients = await ledger.recipients(addressesOf(pins))
  const ids = pins.map(({ pinId }) => pinId)
  const events: ExplainedEvent[] = []
  for (const { campaign } of await ledger.editions.all()) {
    const known = Map.groupBy(await ledger.plans.known(campaign.key, ids), ({ pinId }) => pinId)
    const cause = causeOf(campaign.key, 'ready')
    const closed = cause === 'gate' || cause === 'campaign-off' ? cause : null
    for (const pin of pins) {
      const theirs = known.get(pin.pinId) ?? []
      const base = { campaign: campaign.key, pinId: pin.pinId, messageId: null, reference: null, until: null }
      // Still in a mail to the address that it had before.
      for (const { id, stage, outcome, version } of theirs) {
        if (outcome !== null || version !== versionOf(pin) || reminders.some((one) => one.id === id)) continue
        events.push({ ...base, at, what: 'waiting', stage, reason: 'assembly', words: waitWords.assembly })
      }
      const next = nextStage(pin, campaign, recipientOf(pin, recipients), theirs, at, nextTick(campaign))
      if (next === null) continue
      const reason = next.against ?? closed
      const words = nextWords(next, closed)
      events.push({ ...base, at: next.at, what: 'next', stage: next.stage, reason, words })
    }
  }
  return events
}
