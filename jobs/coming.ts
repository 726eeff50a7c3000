import type { Arrivals } from '#core/arrivals.ts'
import { openingAt, zoneOf } from '#core/calendar.ts'
import type { Campaign } from '#core/campaign.ts'
import { reach } from '#core/decide.ts'
import { type ComingReminder, comingReminders, expectedFrom, type Span } from '#core/forecast.ts'
import type { Instant } from '#core/instant.ts'
import type { OutlookCampaign } from '#core/outlook.ts'
import type { Pin } from '#core/pin.ts'
import { type Recipient, recipientOf } from '#core/recipient.ts'
import type { OpenReminder } from '#core/reminder.ts'
import type { Ledger } from '#ledger/ledger.ts'
import { type OpenRemindersPorts, openReminders } from './open-reminders.ts'
import { pinsInReach, type ReachPorts } from './reach.ts'

export interface ComingPorts {
  readonly ledger: ReachPorts['ledger'] &
    OpenRemindersPorts['ledger'] & { readonly outbox: Pick<Ledger['outbox'], 'load'> }
  readonly pins: ReachPorts['pins'] & OpenRemindersPorts['pins']
}

/** Adds what scans are to plan for a campaign in a span, and what is open in it already. Throws when the PINs or the ledger cannot be read. */
export async function addComing(
  ports: ComingPorts,
  { arrivals, number, campaign, nextTick }: OutlookCampaign & { arrivals: Arrivals; number: number },
  span: Span,
  signal: AbortSignal,
): Promise<void> {
  const at = span.fromAt
  const expiries = { fromAt: reach(campaign, at).fromAt, toAt: reach(campaign, span.untilAt).toAt }
  for await (const page of pinsInReach(ports, campaign, expiries, signal)) {
    for (const { pin, recipient, known } of page) {
      if (recipient === null) continue
      for (const reminder of comingReminders(pin, campaign, recipient, known, span, nextTick)) {
        arrivals.add(number, recipient.key, reminder)
      }
    }
  }
  for await (const { open, pins, recipients } of openReminders(ports, campaign, signal)) {
    for (const reminder of open) {
      const pin = pins.get(reminder.pinId)
      const recipient = recipientOf(pin, recipients)
      if (pin === undefined || recipient === null) continue
      const opening = await openingInMail(ports, reminder, pin, recipient, campaign)
      // One that is in no mail, or in one that missed its opening, waits for a scan.
      const waits = opening === null || (opening.notAfter !== null && opening.notAfter <= at)
      const expected = expectedFrom(reminder, pin, campaign, recipient, waits ? nextTick(at) : at)
      if (waits) {
        if (expected !== null) arrivals.add(number, recipient.key, expected)
      } else {
        const coming = expected ?? endedOf(reminder, pin, campaign, at)
        arrivals.add(number, recipient.key, { ...coming, ...opening }, true)
      }
    }
  }
}

/** One that is not right any more still keeps its mail's place in the line, for what the next scan adds to it. */
function endedOf({ stage }: OpenReminder, pin: Pin, campaign: Campaign, at: Instant): ComingReminder {
  const timeZone = zoneOf(pin, campaign)
  return { stage, expiresAt: pin.expiresAt, plannedAt: at, notBefore: at, notAfter: null, endsAt: at, timeZone }
}

/** When the mail that an open reminder is in may go; null: it is in none, or in one to another address than its PIN has now. */
async function openingInMail(
  { ledger }: ComingPorts,
  { messageId, recipientKey }: OpenReminder,
  pin: Pin,
  recipient: Recipient,
  campaign: Campaign,
): Promise<Pick<ComingReminder, 'notBefore' | 'notAfter'> | null> {
  if (messageId === null || recipientKey !== recipient.key) return null
  const mail = await ledger.outbox.load(messageId)
  if (mail === null) return null
  const { closesAt } = openingAt(campaign.window, zoneOf(pin, campaign), mail.notBefore)
  return { notBefore: mail.notBefore, notAfter: closesAt }
}
