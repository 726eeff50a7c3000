import type { PinColumn } from './row.ts'

// Types by the names of pg_type, which are one word each; an enumeration is `enum`.

const texts = ['text', 'varchar', 'bpchar']
const numbers = ['int2', 'int4', 'int8']

/** What a column may be, by what it holds. */
const acceptable = {
  id: [...texts, 'uuid', ...numbers],
  text: [...texts, 'citext', 'name', 'enum', 'uuid', ...numbers],
  instant: ['timestamptz', ...texts],
} as const satisfies Record<string, readonly string[]>

/** Why a column cannot be of this type, as a sentence goes on after "of type X, "; null: it can. */
export function typeFlaw(column: PinColumn, type: string): string | null {
  const holds = column === 'pin_id' ? 'id' : column === 'expires_at' || column === 'set_at' ? 'instant' : 'text'
  const will: readonly string[] = acceptable[holds]
  if (will.includes(type)) return null
  const because = holds === 'instant' ? (noInstant[type] ?? '') : ''
  return `${because}and must be one of ${will.join(', ')}`
}

const noInstant: Readonly<Record<string, string>> = {
  timestamp: "which is another instant in each zone (add AT TIME ZONE 'UTC', or the zone that the portal writes in), ",
  date: 'which is a day and no instant, ',
}

export function isTimestamp(type: string | undefined): boolean {
  return type === 'timestamptz'
}

/** How ids of a type are compared. */
interface KeyType {
  /** The column's own type, or its index would not be used. */
  readonly array: string
  /** False: no id of this type is written so. */
  fits(id: string): boolean
  /** A condition on a row `p`. */
  readonly isBlank: string
}

export function keyType(type: string | undefined): KeyType {
  if (type === 'uuid') {
    return { array: 'uuid[]', fits: (id) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id), isBlank: 'false' }
  }
  // One that is out of bounds for a smaller type is compared as what it is.
  if (type !== undefined && numbers.includes(type)) return { array: 'int8[]', fits: isInt8, isBlank: 'false' }
  const array = type === 'bpchar' ? 'bpchar[]' : 'text[]'
  return { array, fits: (id) => !id.includes('\0'), isBlank: "p.pin_id = ''" }
}

function isInt8(id: string): boolean {
  return /^(0|-?[1-9]\d{0,18})$/.test(id) && BigInt.asIntN(64, BigInt(id)) === BigInt(id)
}
