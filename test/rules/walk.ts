import { assemble, byUrgency, type Draft } from '#core/assembly.ts'
import { daysLeft, localDate, nextDayOpening, openingAt, zoneOf } from '#core/calendar.ts'
import type { Stage } from '#core/campaign.ts'
import { decide, judge, planWrites, reach } from '#core/decide.ts'
import type { Instant } from '#core/instant.ts'
import type { Pin } from '#core/pin.ts'
import { type Recipients, recipientOf } from '#core/recipient.ts'
import type { KnownReminder, OpenReminder, SkipReason } from '#core/reminder.ts'
import type { FiledMail, Outcome, Story } from './oracle.ts'

/** A reminder as a mail tells of it. */
export interface ToldReminder {
  readonly pin: Pin
  readonly version: string
  readonly stage: Stage
  readonly dueAt: Instant
  /** As the text says. */
  readonly days: number
}

/** A mail, and what is needed to ask whether it had to be. */
export interface WalkedMail extends FiledMail {
  /** The scan that it comes from. */
  readonly scanAt: Instant
  /** Of its most urgent PIN, as is the local day. */
  readonly zone: string
  readonly day: string
  readonly told: readonly ToldReminder[]
}

export interface Walked extends Outcome {
  readonly mails: readonly WalkedMail[]
  /** Names of the reminders that wait in a mail at the end. */
  readonly waiting: readonly string[]
  /** Every change of a reminder, in order. */
  readonly changes: readonly Change[]
}

export interface Change {
  readonly name: string
  readonly from: string | null
  readonly to: string
}

interface Row extends Omit<KnownReminder, 'reason'> {
  reason: SkipReason | null
  outcome: KnownReminder['outcome']
  readonly dueAt: Instant
  readonly name: string
}

/** A draft, and which of its reminders it still holds. */
interface Waiting {
  readonly draft: Draft
  readonly scanAt: Instant
  readonly held: Set<string>
}

/**
 * Walks through a story with the service's own rules, and a ledger that is a list. Drafts last from one scan to the next.
 * `pinOrder` is the order in which a scan meets the PINs.
 */
export function walk(story: Story, pinOrder: (pins: Pin[]) => Pin[] = (pins) => pins): Walked {
  const { campaign } = story
  const rows: Row[] = []
  const changes: Change[] = []
  const mails: WalkedMail[] = []
  const waitsUntil = new Map<string, Instant>()
  const sentOn = new Map<string, number>()
  let drafts: Waiting[] = []

  for (const { scanAt, sendAt } of story.ticks) {
    if (scanAt !== null) scan(scanAt)
    if (sendAt !== null) for (const waiting of drafts) send(waiting, sendAt)
  }
  const reminders = Object.fromEntries(rows.map((row) => [row.name, standingOf(row)]))
  return { mails, reminders, changes, waiting: drafts.flatMap(({ held }) => [...held]) }

  function scan(at: Instant): void {
    const pins = story.portal(at)
    const recipients = recipientsAt(pins, at)
    const { fromAt, toAt } = reach(campaign, at)
    for (const pin of pinOrder(pins.filter(({ expiresAt }) => expiresAt >= fromAt && expiresAt < toAt))) {
      const recipient = recipientOf(pin, recipients)
      const known = rows.filter(({ pinId }) => pinId === pin.pinId)
      const { inserts, reopens } = planWrites(decide(pin, campaign, recipient, at), known, recipient)
      for (const { skip, ...insert } of inserts) {
        const name = `${insert.pinId} ${insert.version} ${insert.stage}`
        const row: Row = { ...insert, name, id: name, outcome: skip === null ? null : 'skipped', reason: skip }
        rows.push(row)
        changes.push({ name, from: null, to: standingOf(row) })
      }
      for (const id of reopens) change(id, null, null)
    }

    const read = new Map(pins.map((pin) => [pin.pinId, pin]))
    const assembly = assemble(rows.filter(isOpen).map(openOf), read, campaign, recipients, at)
    for (const { id, reason } of assembly.skips) change(id, 'skipped', reason)
    drafts = assembly.drafts.map((draft) => ({ draft, scanAt: at, held: new Set(draft.reminders.map(({ id }) => id)) }))
  }

  function send({ draft, scanAt, held }: Waiting, at: Instant): void {
    const { recipientKey: to, notBefore, notAfter } = draft
    if (at < Math.max(notBefore, waitsUntil.get(to) ?? at) || at >= (notAfter ?? Number.POSITIVE_INFINITY)) return
    const pins = story.portal(at)
    const read = new Map(pins.map((pin) => [pin.pinId, pin]))
    const recipients = recipientsAt(pins, at)
    const current: { reminder: Row; pin: Pin }[] = []
    for (const id of held) {
      const reminder = rowOf(id)
      const pin = read.get(reminder.pinId)
      const recipient = recipientOf(pin, recipients)
      const verdict = isOpen(reminder) ? judge(reminder, pin, campaign, recipient, at) : null
      if (verdict !== null && verdict !== 'current') change(id, 'skipped', verdict)
      else if (verdict === 'current' && recipient?.key !== to) held.delete(id)
      else if (verdict === 'current' && pin !== undefined) current.push({ reminder, pin })
    }
    const [first] = current.sort(byUrgency)
    if (first === undefined) return

    const zone = zoneOf(first.pin, campaign)
    if (openingAt(campaign.window, zone, at).opensAt > at) return
    const day = localDate(at, zone)
    const sent = sentOn.get(`${to} ${day}`) ?? 0
    if (story.perAddressPerDay !== null && sent >= story.perAddressPerDay) {
      waitsUntil.set(to, nextDayOpening(campaign.window, zone, at).opensAt)
      return
    }
    sentOn.set(`${to} ${day}`, sent + 1)
    for (const { reminder } of current) change(reminder.id, 'sent', null)
    const holds = current.map(({ reminder }) => `${reminder.pinId} ${reminder.stage}`).sort()
    const told = current.map(({ pin, reminder: { version, stage, dueAt } }) => {
      return { pin, version, stage, dueAt, days: daysLeft(pin.expiresAt, at, zone) }
    })
    mails.push({ to, stage: first.reminder.stage, holds, at, scanAt, zone, day, told })
  }

  function change(id: string, outcome: Row['outcome'], reason: SkipReason | null): void {
    const row = rowOf(id)
    const from = standingOf(row)
    row.outcome = outcome
    row.reason = reason
    changes.push({ name: row.name, from, to: standingOf(row) })
  }

  function rowOf(id: string): Row {
    const row = rows.find((one) => one.id === id)
    if (row === undefined) throw new Error(`no reminder ${id}`)
    return row
  }

  function recipientsAt(pins: readonly Pin[], at: Instant): Recipients {
    const addresses = pins.flatMap(({ email }) => (email === null ? [] : [email]))
    return new Map(addresses.map((address) => [address, story.person(address, at)]))
  }
}

function isOpen({ outcome }: Row): boolean {
  return outcome === null
}

function standingOf({ outcome, reason }: Row): SkipReason | 'sent' | 'open' {
  if (outcome === 'sent') return 'sent'
  return reason ?? 'open'
}

function openOf(row: Row): OpenReminder {
  return { ...row, recipientKey: '', messageId: null }
}
