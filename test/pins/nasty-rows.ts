import type { PinRecord } from '#pins/row.ts'

const instants = [
  '2026-12-31T17:00:00Z',
  '2026-12-31T17:00Z',
  '2026-12-31T18:00:00+01:00',
  '2026-12-31T18:00:00+0100',
  '2026-12-31T18:00:00+01',
  '2026-12-31T17:00:00.5Z',
  '2026-12-31T17:00:00.50Z',
  '2026-12-31T17:00:00.123Z',
  '2026-12-31T17:00:00.123999Z',
  '2026-12-31T16:59:59.999999Z',
  '2027-01-01T07:00:00+14:00',
  '2026-12-31T03:00:00-14:00',
  '2026-12-31T22:29:59.001+05:30',
  '2026-12-31T12:45:00.02-04:15',
  '1970-01-01T00:00:00Z',
  '1969-12-31T23:00:00-01:00',
  '2028-02-29T23:59:59.999+00:00',
  '9999-12-31T23:59:59.999Z',
  '9999-12-31T10:00:00.998001-13:59',
  '2099-03-28T02:30:00-00:00',
]
const emails = [
  'ann@example.com',
  'Ann.B@EXAMPLE.com',
  'ann+pins@Sub.Example.Com',
  "o'neil_%@example.com",
  'ann@münchen.example',
  'ANN@MÜNCHEN.example',
  'ann@xn--mnchen-3ya.example',
  'ann@例え.テスト.example',
  `${'l'.repeat(64)}@example.com`,
]
const names = [
  null,
  '',
  '  ',
  'Ann',
  " Zoë O'Neil ",
  '白石 陽子',
  'Ångström, "Å."; --',
  '👩‍👩‍👧 family',
  'e\u0301 is not é',
  'Robert\u2019); drop table pin_store; --',
  'n'.repeat(200),
]
const ids = [
  'a',
  'A',
  'a b',
  'ä',
  'é',
  'e\u0301',
  '🔑',
  '\uffee',
  "it's",
  "';drop view expiring_pins;--",
  '%',
  '_',
  '\\',
  '"',
  '10',
  '9',
  '010',
]
const zones = [null, '', 'Europe/Berlin', 'europe/berlin', 'Asia/Kolkata', 'UTC', 'Etc/GMT+5']
const locales = [null, '', 'de', 'DE-at', 'zh-hant-tw', 'en']
const statuses = [null, '', 'active', 'revoked', 'none']
const versions = [null, '', '1', 'v 2', '{"a":1}']
const accounts = [null, '', 'A-1', 'Ä-2', '0x3']

/** Rows that forewarn accepts all of, each odd in some way. */
export function nastyRows(count: number): PinRecord[] {
  const pick = <T>(from: readonly T[], n: number): T => from[n % from.length] as T
  return Array.from({ length: count }, (_, n) => ({
    pin_id: `${pick(ids, n)}${n < ids.length ? '' : n}`,
    email: pick(emails, n),
    expires_at: pick(instants, n * 7),
    account_id: pick(accounts, n + (n >> 2)),
    account_name: pick(names, n * 3),
    name: pick(names, n),
    kind: pick([null, '', 'caller-pin', ' '], n >> 1),
    locale: pick(locales, n),
    time_zone: pick(zones, n),
    set_at: n % 4 === 0 ? null : pick(instants, n),
    version: pick(versions, n),
    status: pick(statuses, n),
  }))
}
