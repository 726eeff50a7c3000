const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds of `90s`, `30m`, `24h` or `7d`; null when the text is none of these. */
export function parseDuration(text: string): number | null {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  return count === undefined || unit === undefined ? null : Number(count) * unitMs[unit as keyof typeof unitMs]
}

/** Days of `7d`; null when the text is no whole number of days. */
export function parseDays(text: string): number | null {
  const days = /^(0|[1-9]\d{0,3})d$/.exec(text)?.[1]
  return days === undefined ? null : Number(days)
}
