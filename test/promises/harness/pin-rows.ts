/** One row of a PIN file: cells by column. */
export type PinRow = Readonly<Record<string, string>> & {
  readonly pin_id: string
  readonly email: string
  readonly expires_at: string
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** `count` PINs of as many people, all alike: `pin-001` of person-001@partner.example, and on. */
export function pinRows(
  count: number,
  same: { readonly expires_at: string } & Readonly<Record<string, string>>,
): PinRow[] {
  return Array.from({ length: count }, (_, index) => {
    const number = String(index + 1).padStart(3, '0')
    return { pin_id: `pin-${number}`, email: `person-${number}@partner.example`, ...same }
  })
}

/** The instant so many days after another. */
export function daysAfter(instant: string, days: number): string {
  return new Date(Date.parse(instant) + days * dayMs).toISOString()
}

/** An expiry for which, at any time of today, the 7-day stage is the current one. For the service, which knows no `--at`. */
export function inSixAndAHalfDays(): string {
  return new Date(Date.now() + 6.5 * dayMs).toISOString()
}

/** The rows as a CSV file; quotes whatever is in them. */
export function csvOf(rows: readonly PinRow[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const lines = rows.map((row) => columns.map((column) => quoted(row[column] ?? '')).join(','))
  return `${[columns.join(','), ...lines].join('\n')}\n`
}

function quoted(cell: string): string {
  return `"${cell.replaceAll('"', '""')}"`
}
