import type { Pin } from './pin.ts'

/** Whom a mail to an address would reach. */
export interface Recipient {
  /** Names the person in the ledger without telling the address. */
  readonly key: string
  /** True: no mail is to go to this address. */
  readonly suppressed: boolean
}

/** Recipients by address. */
export type Recipients = ReadonlyMap<string, Recipient>

/** Whom a PIN's mail would reach; null: the portal has not got the PIN, or no address. Throws when nobody was looked up for the address. */
export function recipientOf(pin: Pick<Pin, 'email'> | undefined, recipients: Recipients): Recipient | null {
  const email = pin?.email ?? null
  if (email === null) return null
  const recipient = recipients.get(email)
  if (recipient === undefined) throw new RangeError('the recipient of a PIN was not looked up')
  return recipient
}

/** The addresses that PINs have. */
export function addressesOf(pins: Iterable<Pick<Pin, 'email'>>): string[] {
  return [...pins].map(({ email }) => email).filter((email) => email !== null)
}
