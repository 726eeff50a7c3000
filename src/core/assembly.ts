import { openingAt, zoneOf } from './calendar.ts'
import type { Campaign, Stage } from './campaign.ts'
import { judge, type Verdict } from './decide.ts'
import type { Instant } from './instant.ts'
import type { Pin } from './pin.ts'
import { type Recipients, recipientOf } from './recipient.ts'
import type { OpenReminder, SkipReason } from './reminder.ts'
import { priorityOf } from './stages.ts'

/** Reminders that go to one address in one mail. */
export interface Draft {
  readonly recipientKey: string
  readonly address: string
  /** Of the most urgent reminder, as is the zone. */
  readonly locale: string | null
  readonly timeZone: string
  readonly notBefore: Instant
  /** The end of the opening that `notBefore` lies in; null: none. */
  readonly notAfter: Instant | null
  /** Most urgent first. */
  readonly reminders: readonly { readonly id: string; readonly stage: Stage }[]
}

/** What becomes of open reminders. */
export interface Assembly {
  readonly skips: { readonly id: string; readonly reason: SkipReason }[]
  /** Most urgent first. */
  readonly drafts: Draft[]
}

/**
 * Judges open reminders anew by their PINs as just read, and groups those that are current by the address that the PIN
 * has now: one draft per address, at most one reminder per PIN. `recipients` holds whom each of the addresses reaches.
 */
export function assemble(
  open: readonly OpenReminder[],
  pins: ReadonlyMap<string, Pin>,
  campaign: Campaign,
  recipients: Recipients,
  at: Instant,
): Assembly {
  const skips: Assembly['skips'] = []
  const current: Addressed[] = []
  for (const reminder of open) {
    const pin = pins.get(reminder.pinId)
    const address = pin?.email ?? null
    const recipient = recipientOf(pin, recipients)
    const verdict: Verdict = judge(reminder, pin, campaign, recipient, at)
    if (verdict !== 'current') skips.push({ id: reminder.id, reason: verdict })
    else if (pin && address !== null && recipient !== null) {
      current.push({ reminder, pin, address, recipientKey: recipient.key })
    }
  }

  const { kept, doubled } = onePerPin(current.sort(byUrgency))
  skips.push(...doubled.map(({ reminder }) => ({ id: reminder.id, reason: 'superseded' as const })))
  const groups = Map.groupBy(kept, ({ recipientKey }) => recipientKey)
  return { skips, drafts: [...groups.values()].map((group) => draftOf(group as Group, campaign, at)) }
}

/** The most urgent stage first, then the nearest expiry: the first gives a mail its stage, language, zone and name. */
export function byUrgency(one: Urgent, other: Urgent): number {
  return (
    priorityOf(one.reminder.stage) - priorityOf(other.reminder.stage) ||
    one.pin.expiresAt - other.pin.expiresAt ||
    compareText(one.pin.pinId, other.pin.pinId)
  )
}

/** PINs as a mail lists them: by expiry. */
export function listOrder<P extends Listed>(pins: readonly P[]): P[] {
  return pins.toSorted((one, other) => one.expiresAt - other.expiresAt || compareText(one.pinId, other.pinId))
}

/** The first `max` PINs in the order of the list, and how many more there are. */
export function cutList<P extends Listed>(pins: readonly P[], max: number): { listed: P[]; more: number } {
  return { listed: listOrder(pins).slice(0, max), more: Math.max(0, pins.length - max) }
}

type Listed = Pick<Pin, 'pinId' | 'expiresAt'>

interface Urgent {
  readonly reminder: Pick<OpenReminder, 'stage'>
  readonly pin: Listed
}

interface Addressed extends Urgent {
  readonly reminder: OpenReminder
  readonly pin: Pin
  readonly address: string
  readonly recipientKey: string
}

/** What goes to one address, most urgent first. */
type Group = [Addressed, ...Addressed[]]

/** When a due instant moved, two stages of a PIN can be current side by side: only the more urgent one is sent. */
function onePerPin(mostUrgentFirst: readonly Addressed[]): { kept: Addressed[]; doubled: Addressed[] } {
  const seen = new Set<string>()
  const kept: Addressed[] = []
  const doubled: Addressed[] = []
  for (const one of mostUrgentFirst) {
    const rows = seen.has(one.pin.pinId) ? doubled : kept
    rows.push(one)
    seen.add(one.pin.pinId)
  }
  return { kept, doubled }
}

function draftOf(group: Group, campaign: Campaign, at: Instant): Draft {
  const [{ recipientKey, address, pin, reminder }] = group
  const timeZone = zoneOf(pin, campaign)
  const { opensAt, closesAt } = openingAt(campaign.window, timeZone, at)
  return {
    recipientKey,
    address,
    locale: pin.locale,
    timeZone,
    // Without a window it may go as soon as it is due, also when business time is set back behind this assembly.
    notBefore: campaign.window === null ? Math.min(reminder.dueAt, at) : opensAt,
    notAfter: closesAt,
    reminders: group.map((one) => ({ id: one.reminder.id, stage: one.reminder.stage })),
  }
}

/** By code units: the same on every machine. */
function compareText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}
