import type { Instant } from '#core/instant.ts'
import type { Pin } from '#core/pin.ts'

/** The PINs that a scan wants: of one kind, expiring in `[fromAt, toAt)`; `accounts` null means all. */
export interface PinQuery {
  readonly kind: string
  readonly accounts: readonly string[] | null
  readonly fromAt: Instant
  readonly toAt: Instant
}

/** Where a page ended: pages are by key (expiry, then id), so that a batch limit never starves the rest. */
export interface PinCursor {
  readonly expiresAt: Instant
  readonly pinId: string
}

/** Where PINs come from. Reading only; an error or a time-out is thrown and is no answer about any PIN. */
export interface PinSource {
  /** At most `limit` PINs after the cursor (null: from the start), in order of expiry, then id. */
  page(query: PinQuery, after: PinCursor | null, limit: number): Promise<Pin[]>
  /** The PINs with these ids as they are now, by id; one that is not in the answer is gone. */
  read(pinIds: readonly string[]): Promise<Map<string, Pin>>
  /** When the source's data was last brought up to date; null: it is always live. */
  refreshedAt(): Promise<Instant | null>
}

/** Finds PINs by whom they belong to: for support, not for the jobs. */
export interface PinLookup {
  /** The PINs whose holder has this address, without regard to case, in order of expiry. At most 1,000. */
  ofAddress(address: string): Promise<Pin[]>
}

/** The built-in PIN source: a table that imports fill. */
export interface PinTable extends PinSource, PinLookup {
  /** Inserts or replaces by id, whole page or nothing. Pages of at most 1,000. */
  upsert(pins: readonly Pin[]): Promise<void>
  /** The ids of at most `limit` PINs after this id (null: from the start), in an order of the table's own that never changes. */
  ids(after: string | null, limit: number): Promise<string[]>
  /** Removes the PINs with these ids, whole page or nothing; gives how many there were. Pages of at most 1,000. */
  remove(pinIds: readonly string[]): Promise<number>
  /** Notes that an import that began at this instant has ended well: the source is fresh as of then. */
  markRefreshed(at: Instant): Promise<void>
}
