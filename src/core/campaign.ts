/** A point of the timetable: days before the expiry, or the expiry itself. */
export type Stage = `${number}d` | 'expired'

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof weekdays)[number]

/** When mails may go out: `[fromMinute, toMinute)` of the recipient's local day, on the days named. */
export interface SendingWindow {
  readonly days: readonly Weekday[]
  /** minutes after local midnight, 0–1439 */
  readonly fromMinute: number
  /** minutes after local midnight, 1–1440; after `fromMinute` */
  readonly toMinute: number
}

/** Which PINs are warned, on which stages, in which words, when: a campaign file as checked. */
export interface Campaign {
  /** `[a-z0-9-]`, unique */
  readonly key: string
  readonly template: string
  readonly pins: { readonly kind: string; readonly accounts: readonly string[] | null; readonly percent: number }
  readonly schedule: { readonly cron: string; readonly timeZone: string }
  /** Widest first, `expired` last. */
  readonly stages: readonly Stage[]
  /** null: any time of any day. */
  readonly window: SendingWindow | null
  /** For PINs that have no zone of their own. IANA. */
  readonly timeZone: string
  readonly graceDays: number
  readonly spreadDays: number
  /** claims, over all workers; null: none */
  readonly limit: { readonly perHour: number | null; readonly perDay: number | null }
  /** how many PINs a digest lists before "and N more" */
  readonly digest: { readonly list: number }
  readonly locales: { readonly default: string; readonly allow: readonly string[] | null }
  /** hosts that a mail may link to */
  readonly links: { readonly allow: readonly string[] }
  /** Statements that the template declares it needs, e.g. `docsUrl`. */
  readonly facts: Readonly<Record<string, string | null>>
}
