import type { Instant } from '#core/instant.ts'
import type { Pin } from '#core/pin.ts'
import type { PinCursor, PinQuery, PinTable } from '#pins/pins.ts'

/** A PIN table in memory, as the port says it behaves. */
export class MemoryPinTable implements PinTable {
  readonly pins = new Map<string, Pin>()
  readonly pageSizes: number[] = []
  readonly removedPages: number[] = []
  #refreshedAt: Instant | null = null

  async page(query: PinQuery, after: PinCursor | null, limit: number): Promise<Pin[]> {
    return [...this.pins.values()]
      .filter((pin) => pin.kind === query.kind && pin.expiresAt >= query.fromAt && pin.expiresAt < query.toAt)
      .filter((pin) => query.accounts === null || (pin.accountId !== null && query.accounts.includes(pin.accountId)))
      .sort(byKey)
      .filter((pin) => after === null || byKey(pin, after) > 0)
      .slice(0, limit)
  }

  async read(pinIds: readonly string[]): Promise<Map<string, Pin>> {
    return new Map(pinIds.flatMap((pinId) => this.pins.get(pinId) ?? []).map((pin) => [pin.pinId, pin]))
  }

  async ofAddress(address: string): Promise<Pin[]> {
    return [...this.pins.values()].filter(({ email }) => email?.toLowerCase() === address.toLowerCase()).sort(byKey)
  }

  async refreshedAt(): Promise<Instant | null> {
    return this.#refreshedAt
  }

  async upsert(pins: readonly Pin[]): Promise<void> {
    if (pins.length > 1_000) throw new RangeError('a page has at most 1,000 PINs')
    this.pageSizes.push(pins.length)
    for (const pin of pins) this.pins.set(pin.pinId, pin)
  }

  async ids(after: string | null, limit: number): Promise<string[]> {
    const ids = [...this.pins.keys()].toSorted()
    return ids.filter((pinId) => after === null || pinId > after).slice(0, limit)
  }

  async remove(pinIds: readonly string[]): Promise<number> {
    if (pinIds.length > 1_000) throw new RangeError('a page has at most 1,000 PINs')
    this.removedPages.push(pinIds.length)
    return pinIds.filter((pinId) => this.pins.delete(pinId)).length
  }

  async markRefreshed(at: Instant): Promise<void> {
    this.#refreshedAt = at
  }
}

function byKey(a: PinCursor, b: PinCursor): number {
  return a.expiresAt - b.expiresAt || (a.pinId < b.pinId ? -1 : a.pinId > b.pinId ? 1 : 0)
}
