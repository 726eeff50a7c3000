import { recipientForm } from '#core/address.ts'
import { dayMs } from '#core/calendar.ts'
import type { Pin } from '#core/pin.ts'
import type { PinCursor, PinLookup, PinQuery, PinSource } from './pins.ts'
import type { PortalStatements } from './portal-relation.ts'
import { type BadRows, FlawCount, readPortalRow } from './portal-row.ts'

/** Told once for each pass over the PINs of a campaign, when its last page is read; none is good news. */
export type BadRowsReport = (selection: Pick<PinQuery, 'kind'>, found: readonly BadRows[]) => void

const mostIdsAtOnce = 1_000
const mostOfAddress = 1_000
/** More rows of one holder than that are not looked at. */
const mostRowsOfAddress = 5_000
/** More rows without a place are counted as that many. */
const mostUnplaced = 1_000
/** Passes under way at once. */
const mostPasses = 50

const narrowestSliceMs = 60_000
const firstSliceMs = dayMs
/** From there on `parseInstant` takes nothing. */
const endOfTime = Date.UTC(10_000, 0, 1)

/**
 * PINs from a portal's relation. A page is the keys of its rows first, then these rows read by id: so a page says of a PIN what a
 * re-read says, also where a view has several rows of one PIN.
 */
export function portalSource(statements: PortalStatements, report: BadRowsReport): PinSource & PinLookup {
  const passes = new Map<string, FlawCount>()
  let sliceMs = firstSliceMs
  return {
    async page(asked, after, limit) {
      const query = { ...asked, fromAt: Math.max(asked.fromAt, 0), toAt: Math.min(asked.toAt, endOfTime) }
      const flaws = await flawsOfPass(query, after)
      const begin = after ?? { expiresAt: query.fromAt, pinId: '' }
      const pins: Pin[] = []
      let place = begin
      let widthMs = sliceMs
      // In slices of time: the database sorts what it gives, and must not sort all that is still to come for every page.
      // Until the page is full, however many rows are bad: a page that is not full is the last one.
      while (pins.length < limit && place.expiresAt < query.toAt) {
        const wanted = Math.min(limit - pins.length, mostIdsAtOnce)
        const sliceEndAt = Math.min(place.expiresAt + widthMs, query.toAt)
        const keys = await statements.keys(query, place, sliceEndAt, wanted)
        pins.push(...(await pinsAt(query, keys, flaws)))
        const last = keys.at(-1)
        if (keys.length < wanted || last === undefined) {
          place = { expiresAt: sliceEndAt, pinId: '' }
          widthMs *= 4
        } else {
          place = last
        }
      }
      if (pins.length < limit) endPass(query, flaws)
      else sliceMs = Math.max(narrowestSliceMs, 2 * (place.expiresAt - begin.expiresAt))
      return pins
    },
    read,
    refreshedAt: async () => null,
    async ofAddress(address) {
      const form = recipientForm(address)
      const ids = await statements.idsOfAddress(form, mostRowsOfAddress)
      const pins = [...(await read(ids)).values()]
      return pins
        .filter(({ email }) => email !== null && recipientForm(email) === form)
        .sort(byKey)
        .slice(0, mostOfAddress)
    },
  }

  async function read(pinIds: readonly string[]): Promise<Map<string, Pin>> {
    const asked = new Set(pinIds)
    const rows: Pin[] = []
    for (const ids of inPieces([...asked], mostIdsAtOnce)) {
      for (const row of await statements.rows(ids)) {
        const { pin } = readPortalRow(row)
        // A column that takes no account of case gives other ids, too.
        if (pin !== null && asked.has(pin.pinId)) rows.push(pin)
      }
    }
    const pins = new Map<string, Pin>()
    for (const [pinId, same] of Map.groupBy(rows, (row) => row.pinId)) {
      const pin = theLast(same)
      if (pin !== undefined) pins.set(pinId, pin)
    }
    return pins
  }

  /** The PINs that stand at these places; a row that has moved since is at its new place. */
  async function pinsAt(query: PinQuery, keys: readonly PinCursor[], flaws: FlawCount): Promise<Pin[]> {
    if (keys.length === 0) return []
    const rows: Pin[] = []
    for (const row of await statements.rows([...new Set(keys.map(({ pinId }) => pinId))])) {
      const { pin, flaws: found } = readPortalRow(row)
      for (const flaw of found) flaws.add(flaw)
      if (pin !== null) rows.push(pin)
    }
    const rowsOf = Map.groupBy(rows, ({ pinId }) => pinId)
    return [...new Map(keys.map((key) => [`${key.expiresAt} ${key.pinId}`, key])).values()].flatMap((key) => {
      const pin = theLast(rowsOf.get(key.pinId) ?? [])
      if (pin === undefined) return []
      const here = (rowsOf.get(key.pinId) ?? []).filter(({ expiresAt }) => expiresAt === key.expiresAt).length
      const isHere = pin.expiresAt === key.expiresAt
      for (let unused = isHere ? here - 1 : here; unused > 0; unused--) flaws.add(twice)
      return isHere && covers(query, pin) ? [pin] : []
    })
  }

  async function flawsOfPass(query: PinQuery, after: PinCursor | null): Promise<FlawCount> {
    const name = passName(query)
    const known = after === null ? undefined : passes.get(name)
    if (known !== undefined) return known
    const flaws = new FlawCount()
    if (after === null) {
      for (const row of await statements.unplaced(query, mostUnplaced)) {
        for (const flaw of readPortalRow(row).flaws.filter(({ leftOut }) => leftOut)) flaws.add(flaw)
      }
    }
    passes.set(name, flaws)
    // Passes that broke off are never ended.
    for (const [oldest] of passes) if (passes.size > mostPasses) passes.delete(oldest)
    return flaws
  }

  function endPass(query: PinQuery, flaws: FlawCount): void {
    passes.delete(passName(query))
    report({ kind: query.kind }, flaws.list())
  }
}

const twice = {
  column: 'pin_id',
  reason: 'stands in several rows; only the one that expires last counts',
  leftOut: true,
} as const

/**
 * Of several rows of one PIN the one that expires last counts: rows that a reset left behind expire earlier. Of those that expire
 * together it is always the same one, in whatever order they come, or a mail would be re-addressed again and again.
 */
function theLast(rows: readonly Pin[]): Pin | undefined {
  const [first, ...others] = rows
  return first && others.reduce((last, pin) => (isLater(pin, last) ? pin : last), first)
}

function isLater(one: Pin, other: Pin): boolean {
  if (one.expiresAt !== other.expiresAt) return one.expiresAt > other.expiresAt
  return JSON.stringify(one) < JSON.stringify(other)
}

/** Exactly what was asked for; the database may have given more. */
function covers({ kind, accounts }: PinQuery, pin: Pin): boolean {
  return pin.kind === kind && (accounts === null || (pin.accountId !== null && accounts.includes(pin.accountId)))
}

function passName({ kind, accounts, fromAt, toAt }: PinQuery): string {
  return JSON.stringify([kind, accounts, fromAt, toAt])
}

function byKey(one: Pin, other: Pin): number {
  return one.expiresAt - other.expiresAt || Buffer.compare(Buffer.from(one.pinId), Buffer.from(other.pinId))
}

function* inPieces<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
