import { type Instant, isoInstant } from '#core/instant.ts'
import { nearTexts } from './portal-near-texts.ts'

/** How the expiry of a row `p` is compared, where the column is of some type. */
export interface ExpiryColumn {
  /** Its instant, cut to milliseconds as PINs are; null: it has none. */
  readonly at: string
  /** A condition on the column as it stands, which an index can serve, with `$1` and `$2`: true of all that may expire between two instants. */
  readonly near: string
  /** `$1` and `$2`. */
  bounds(fromAt: Instant, untilAt: Instant): [string, string]
  /** A condition: true where there is no instant. */
  readonly unplaced: string
  /** A condition: true where the value shows whether instants are written as they should be. */
  readonly telling: string
}

export const timestampExpiry: ExpiryColumn = {
  at: `date_trunc('milliseconds', p.expires_at)`,
  near: 'p.expires_at >= $1::timestamptz and p.expires_at < $2::timestamptz',
  bounds: (fromAt, untilAt) => [timestampOf(fromAt), timestampOf(untilAt)],
  unplaced: 'p.expires_at is null',
  telling: `p.expires_at >= 'epoch' and isfinite(p.expires_at)`,
}

const text = 'p.expires_at::text'
const day = `substr(${text}, 9, 2)::int`
/** Finer than a microsecond is cut off: PostgreSQL would round it. */
const exact = `case when ${text} ~ '[.][0-9]{7}' then regexp_replace(${text}, '([.][0-9]{6})[0-9]+', '\\1') else ${text} end`

/**
 * The instant of a text, for its place; `readPin` says afterwards whether it is one. The day is added to the first of its month,
 * since the cast of one 31 February would end the whole statement. A match without parts, which takes PostgreSQL microseconds;
 * with parts, a millisecond.
 */
const textAt = `case when ${text} ~ '${[
  '^(19|[2-9][0-9])[0-9]{2}-(0[1-9]|1[0-2])-[0-3][0-9]',
  'T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?',
  '(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)$',
].join('')}'
  then date_trunc('milliseconds', overlay(${exact} placing '01' from 9 for 2)::timestamptz + make_interval(hours => 24 * (${day} - 1)))
end`

export const textExpiry: ExpiryColumn = {
  at: textAt,
  near: 'p.expires_at::text collate "C" >= $1 and p.expires_at::text collate "C" < $2',
  bounds: nearTexts,
  unplaced: `${textAt} is null`,
  telling: "p.expires_at <> ''",
}

/** The instant as PostgreSQL reads it, also when it ends the year 9999. */
export function timestampOf(at: Instant): string {
  return isoInstant(at).replace(/^\+0/, '')
}
