import { judge } from '#core/decide.ts'
import type { Instant } from '#core/instant.ts'
import type { Pin } from '#core/pin.ts'
import { addressesOf, recipientOf } from '#core/recipient.ts'
import type { SkipReason } from '#core/reminder.ts'
import type { HistoryReminder, Ledger } from '#ledger/ledger.ts'

/** Why an open reminder will not go out as it waits now; null: it will, as far as anybody knows. */
export type OpenVerdict = SkipReason | 'other-address' | null

/**
 * Judges open reminders by their PINs as they are now, as the next scan and the re-read will. `pins` null: the portal gave
 * no answer, and nothing is known against any.
 */
export async function openVerdicts(
  ledger: Pick<Ledger, 'editions' | 'recipients'>,
  pins: ReadonlyMap<string, Pin> | null,
  at: Instant,
): Promise<(reminder: HistoryReminder, recipientKey: string | null) => OpenVerdict> {
  if (pins === null) return () => null
  const recipients = await ledger.recipients(addressesOf(pins.values()))
  const campaigns = new Map((await ledger.editions.all()).map(({ campaign }) => [campaign.key, campaign]))
  return (reminder, recipientKey) => {
    const campaign = campaigns.get(reminder.campaign)
    if (campaign === undefined) return null
    const pin = pins.get(reminder.pinId)
    const recipient = recipientOf(pin, recipients)
    const verdict = judge(reminder, pin, campaign, recipient, at)
    if (verdict !== 'current') return verdict
    return recipientKey !== null && recipient?.key !== recipientKey ? 'other-address' : null
  }
}
