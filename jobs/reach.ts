import type { Campaign } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import type { Pin } from '#core/pin.ts'
import { addressesOf, type Recipient, recipientOf } from '#core/recipient.ts'
import type { KnownReminder } from '#core/reminder.ts'
import type { Ledger } from '#ledger/ledger.ts'
import type { PinCursor, PinSource } from '#pins/pins.ts'

export interface ReachPorts {
  readonly ledger: Pick<Ledger, 'recipients'> & { readonly plans: Pick<Ledger['plans'], 'known'> }
  readonly pins: Pick<PinSource, 'page'>
}

/** A PIN as it is now, with all that deciding about it needs. */
export interface PinInReach {
  readonly pin: Pin
  /** null: it has no address. */
  readonly recipient: Recipient | null
  /** All that the ledger holds of it in this campaign. */
  readonly known: readonly KnownReminder[]
}

const pageRows = 1_000

/**
 * Pages by key through all PINs of a campaign that expire in `[fromAt, toAt)`: a limit per page never starves the rest.
 * Throws when the PINs or the ledger cannot be read, or the signal aborts.
 */
export async function* pinsInReach(
  { ledger, pins }: ReachPorts,
  campaign: Campaign,
  { fromAt, toAt }: { fromAt: Instant; toAt: Instant },
  signal: AbortSignal,
): AsyncGenerator<PinInReach[]> {
  const { kind, accounts } = campaign.pins
  let after: PinCursor | null = null
  do {
    signal.throwIfAborted()
    const page = await pins.page({ kind, accounts, fromAt, toAt }, after, pageRows)
    const recipients = await ledger.recipients(addressesOf(page))
    const ids = page.map(({ pinId }) => pinId)
    const known = Map.groupBy(await ledger.plans.known(campaign.key, ids), ({ pinId }) => pinId)
    yield page.map((pin) => ({
      pin,
      recipient: recipientOf(pin, recipients),
      known: known.get(pin.pinId) ?? [],
    }))
    const last = page.at(-1)
    after = page.length < pageRows || last === undefined ? null : { expiresAt: last.expiresAt, pinId: last.pinId }
  } while (after !== null)
}
