import type { Pin } from '#core/pin.ts'
import { addressesOf, type Recipients } from '#core/recipient.ts'
import type { Ledger } from '#ledger/ledger.ts'
import type { PinSource } from '#pins/pins.ts'

export interface RereadPorts {
  readonly ledger: Pick<Ledger, 'recipients'>
  readonly pins: Pick<PinSource, 'read'>
}

/** PINs of planned reminders as they are now. */
export interface Reread {
  /** By id; one that is not here is gone. */
  readonly pins: ReadonlyMap<string, Pin>
  readonly recipients: Recipients
  /** PINs asked for, and how many of them the portal has not got. */
  readonly seen: { readonly read: number; readonly gone: number }
}

/** Reads the PINs of reminders again. Throws when the portal or the ledger gives no answer. */
export async function reread(
  { ledger, pins: source }: RereadPorts,
  reminders: readonly { readonly pinId: string }[],
): Promise<Reread> {
  const ids = [...new Set(reminders.map(({ pinId }) => pinId))]
  const pins = await source.read(ids)
  const recipients = await ledger.recipients(addressesOf(pins.values()))
  return { pins, recipients, seen: { read: ids.length, gone: ids.length - pins.size } }
}

/** Watches how often the portal says that a PIN is gone: an emptied portal must not decide for everybody. */
export interface PortalGuard {
  /** Takes note of a re-read for a campaign, and closes the campaign's gate when too much is gone. Never throws. */
  saw(campaign: string, seen: Reread['seen']): Promise<void>
}
