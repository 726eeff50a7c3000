import type { Campaign } from '#core/campaign.ts'
import type { OpenReminder } from '#core/reminder.ts'
import type { Ledger, OpenCursor } from '#ledger/ledger.ts'
import { type Reread, type RereadPorts, reread } from './reread.ts'

export interface OpenRemindersPorts extends RereadPorts {
  readonly ledger: Pick<Ledger, 'recipients'> & { readonly plans: Pick<Ledger['plans'], 'open'> }
}

/** A page of open reminders, with their PINs as they are now. */
export interface OpenPage extends Reread {
  readonly open: readonly OpenReminder[]
}

const pageRows = 250

/**
 * Pages through all reminders of a campaign that are open and that no mail has claimed. Throws when the PINs or the
 * ledger cannot be read, or the signal aborts.
 */
export async function* openReminders(
  ports: OpenRemindersPorts,
  campaign: Campaign,
  signal: AbortSignal,
): AsyncGenerator<OpenPage> {
  let after: OpenCursor | null = null
  do {
    signal.throwIfAborted()
    const open = await ports.ledger.plans.open(campaign.key, after, pageRows)
    if (open.length > 0) yield { open, ...(await reread(ports, open)) }
    const last = open.at(-1)
    after = open.length < pageRows || last === undefined ? null : { recipientKey: last.recipientKey, id: last.id }
  } while (after !== null)
}
