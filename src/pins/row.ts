import { Temporal } from 'temporal-polyfill'
import { parseAddress } from '#core/address.ts'
import type { Instant } from '#core/instant.ts'
import { parseInstant } from '#core/parse-instant.ts'
import type { Pin, PinStatus } from '#core/pin.ts'

export const requiredColumns = ['pin_id', 'email', 'expires_at'] as const
export const pinColumns = [
  ...requiredColumns,
  'account_id',
  'account_name',
  'name',
  'kind',
  'locale',
  'time_zone',
  'set_at',
  'version',
  'status',
] as const
export type PinColumn = (typeof pinColumns)[number]

/** The cells of one record of a file or relation, by column. Null, empty or blank is absent. */
export type PinRecord = Partial<Record<PinColumn, string | null>>

/** Why a record is no PIN. The reason reads as a sentence after the column's name: "email has no `@` …". */
export interface RowProblem {
  /** null: the record as a whole */
  readonly column: string | null
  readonly value: string
  readonly reason: string
}

const maxTextCharacters = 200
const statuses: readonly PinStatus[] = ['active', 'revoked', 'none']

/** Checks one record. Gives the PIN, or the first problem in the order of `pinColumns`; never half a PIN. */
export function readPin(record: PinRecord): { readonly pin: Pin } | { readonly problem: RowProblem } {
  const problems: RowProblem[] = []

  /** Gives `otherwise` for an absent cell; also for a bad or missing one, whose problem keeps the PIN from being used. */
  function cell<T>(column: PinColumn, check: (text: string) => Checked<T>, otherwise: T): T {
    const text = record[column] ?? ''
    if (text.trim() === '') {
      if (isRequired(column)) problems.push({ column, value: text, reason: 'is empty; every row must have it' })
      return otherwise
    }
    const checked = check(text)
    if ('value' in checked) return checked.value
    problems.push({ column, value: text, reason: checked.problem })
    return otherwise
  }

  const pin: Pin = {
    pinId: cell('pin_id', checkId, ''),
    email: cell('email', checkEmail, ''),
    expiresAt: cell('expires_at', checkInstant, 0),
    accountId: cell<string | null>('account_id', checkId, null),
    accountName: cell<string | null>('account_name', checkName, null),
    name: cell<string | null>('name', checkName, null),
    kind: cell('kind', checkId, 'caller-pin'),
    locale: cell<string | null>('locale', checkLocale, null),
    timeZone: cell<string | null>('time_zone', checkTimeZone, null),
    setAt: cell<Instant | null>('set_at', checkInstant, null),
    portalVersion: cell<string | null>('version', checkId, null),
    status: cell<PinStatus>('status', checkStatus, 'active'),
  }
  const [problem] = problems
  return problem === undefined ? { pin } : { problem }
}

/** The value of a cell, or why it has none. */
type Checked<T> = { readonly value: T } | { readonly problem: string }

function isRequired(column: PinColumn): boolean {
  return (requiredColumns as readonly PinColumn[]).includes(column)
}

/** An id is compared as it stands, hence nothing in it may be invisible. */
function checkId(text: string): Checked<string> {
  const problem = problemOfText(text)
  if (problem !== null) return { problem }
  if (text !== text.trim()) return { problem: 'begins or ends with a space' }
  if (/[\p{Cf}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(text)) return { problem: 'contains an invisible character' }
  return { value: text }
}

function checkName(text: string): Checked<string> {
  const problem = problemOfText(text)
  return problem === null ? { value: text.trim() } : { problem }
}

function checkEmail(text: string): Checked<string> {
  if (/<[^<>]*>/.test(text)) return { problem: 'has a name or angle brackets; expected the bare address' }
  const parsed = parseAddress(text)
  return 'address' in parsed ? { value: parsed.address } : parsed
}

function checkInstant(text: string): Checked<Instant> {
  const parsed = parseInstant(text)
  return 'at' in parsed ? { value: parsed.at } : parsed
}

function checkLocale(text: string): Checked<string> {
  const locale = recall(locales, text, canonicalLocale)
  return locale === null ? { problem: 'is not a language tag (BCP 47) such as `en` or `de-AT`' } : { value: locale }
}

function checkTimeZone(text: string): Checked<string> {
  const timeZone = recall(timeZones, text, canonicalTimeZone)
  if (timeZone === null) return { problem: 'is not a time zone (IANA) such as `Europe/Berlin` or `UTC`' }
  return { value: timeZone }
}

function checkStatus(text: string): Checked<PinStatus> {
  const status = statuses.find((known) => known === text)
  return status === undefined ? { problem: `is not one of \`${statuses.join('`, `')}\`` } : { value: status }
}

function problemOfText(text: string): string | null {
  // Overrides and isolates of the writing direction count as controls: they can make a mail show another text than it has.
  if (/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text)) return 'contains a control character or line break'
  if (!text.isWellFormed()) return 'contains half of a character (a lone surrogate)'
  if (text.length > maxTextCharacters && Array.from(text).length > maxTextCharacters) {
    return `is longer than ${maxTextCharacters} characters`
  }
  return null
}

/** Answers of `Intl`, which takes microseconds for each, while files repeat a few values. They depend on nothing but the text. */
const locales = new Map<string, string | null>()
const timeZones = new Map<string, string | null>()
const maxRecalled = 1_000

function recall(known: Map<string, string | null>, text: string, find: (text: string) => string | null): string | null {
  const recalled = known.get(text)
  if (recalled !== undefined) return recalled
  const found = find(text)
  if (known.size >= maxRecalled) known.clear()
  known.set(text, found)
  return found
}

function canonicalLocale(text: string): string | null {
  try {
    return Intl.getCanonicalLocales(text)[0] ?? null
  } catch {
    return null
  }
}

/** Corrects the case and keeps the name: `Intl` alone would give `Asia/Calcutta` for `Asia/Kolkata`. Offsets are no zones. */
function canonicalTimeZone(text: string): string | null {
  if (!/^[a-z]/i.test(text)) return null
  try {
    return new Temporal.ZonedDateTime(0n, text).timeZoneId
  } catch {
    return null
  }
}
