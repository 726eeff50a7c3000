import { cutList } from './assembly.ts'
import { zoneOf } from './calendar.ts'
import type { Campaign } from './campaign.ts'
import type { Instant } from './instant.ts'
import type { LetterValues } from './letter.ts'
import type { Pin } from './pin.ts'
import type { OpenReminder } from './reminder.ts'

/** A reminder that is still right, with its PIN as just read. */
export interface Current {
  readonly reminder: OpenReminder
  readonly pin: Pin
}

/** What a mail says: of its reminders, most urgent first, composed at this instant of business time. */
export function letterValues(
  message: { readonly id: string; readonly reference: string; readonly address: string },
  sender: { readonly from: string; readonly replyTo: string },
  campaign: Campaign,
  current: readonly [Current, ...Current[]],
  at: Instant,
): LetterValues {
  const [{ pin, reminder }] = current
  const list = cutList(
    current.map((one) => one.pin),
    campaign.digest.list,
  )
  return {
    messageId: message.id,
    reference: message.reference,
    from: sender.from,
    replyTo: sender.replyTo,
    to: message.address,
    name: pin.name,
    stage: reminder.stage,
    locale: pin.locale,
    timeZone: zoneOf(pin, campaign),
    composedAt: at,
    pins: list.listed.map(({ expiresAt, accountName, setAt }) => ({ expiresAt, accountName, setAt })),
    morePins: list.more,
  }
}
