import { type Instant, isoInstant } from './instant.ts'

/** What the portal says of a PIN: in use, withdrawn, or never set by its holder. */
export type PinStatus = 'active' | 'revoked' | 'none'

/** One credential record of the portal, as read at one moment. Its digits are never read. */
export interface Pin {
  readonly pinId: string
  /** What a campaign selects by, e.g. `caller-pin`. */
  readonly kind: string
  readonly status: PinStatus
  /** The holder's address, already checked and normalized (`#core/address.ts`); null when the portal has none that can be written to. */
  readonly email: string | null
  readonly name: string | null
  readonly accountId: string | null
  readonly accountName: string | null
  /** BCP 47 */
  readonly locale: string | null
  /** IANA */
  readonly timeZone: string | null
  readonly setAt: Instant | null
  readonly expiresAt: Instant
  /** The portal's own version of the record, where it has one. */
  readonly portalVersion: string | null
}

/**
 * Names the state of a PIN that reminders belong to: the portal's version or the moment it was set, and its expiry.
 * A reset or a moved expiry gives another version, which re-arms every stage.
 */
export function versionOf(pin: Pick<Pin, 'portalVersion' | 'setAt' | 'expiresAt'>): string {
  const set = pin.portalVersion ?? (pin.setAt === null ? '-' : isoInstant(pin.setAt))
  return `${set}/${isoInstant(pin.expiresAt)}`
}
