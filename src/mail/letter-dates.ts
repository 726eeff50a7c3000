import type { Instant } from '#core/instant.ts'
import { offsetSpanAt } from '#core/zone-offset.ts'
import { compact } from './compact.ts'
import { Remembered } from './remembered.ts'

/** Writes instants in one language and zone. Hours go from 00 to 23, so that midnight and noon cannot be mistaken. */
export interface LetterDates {
  /** `January 14, 2027` */
  day(at: Instant): string
  /** `Thursday, January 14, 2027` */
  date(at: Instant): string
  /** `17:00` */
  time(at: Instant): string
  /** `Central European Standard Time (GMT+1)` */
  zone(at: Instant): string
  /** `Thursday, January 14, 2027 at 17:00 GMT+1` */
  when(at: Instant): string
}

/** The date formats of a language (BCP 47) and a zone (IANA). Intl is slow, so that what it said is remembered. */
export function letterDates(locale: string, timeZone: string): LetterDates {
  return made.get(`${locale} ${timeZone}`, () => makeDates(locale, timeZone))
}

const keptZones = 200
const keptTexts = 2_000
const made = new Remembered<string, LetterDates>(keptZones)

const dayMs = 86_400_000
const minuteMs = 60_000

function makeDates(locale: string, timeZone: string): LetterDates {
  // The portal counts in the Gregorian calendar, and so do all who read its dates on the screen.
  const base = { timeZone, calendar: 'gregory' } as const
  const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
  const fullDate = { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' } as const
  const day = new Intl.DateTimeFormat(locale, { ...base, dateStyle: 'long' })
  const date = new Intl.DateTimeFormat(locale, { ...base, ...fullDate })
  const time = new Intl.DateTimeFormat(locale, { ...base, ...clock })
  const when = new Intl.DateTimeFormat(locale, { ...base, ...fullDate, ...clock, timeZoneName: 'shortOffset' })
  const longName = new Intl.DateTimeFormat(locale, { ...base, timeZoneName: 'long' })
  const offset = new Intl.DateTimeFormat(locale, { ...base, timeZoneName: 'shortOffset' })

  const days = new Remembered<number, string>(keptTexts)
  const dates = new Remembered<number, string>(keptTexts)
  const times = new Remembered<number, string>(keptTexts)
  const whens = new Remembered<number, string>(keptTexts)
  const zones = new Remembered<number, string>(keptTexts)
  const clockReading = (at: Instant): number => at + offsetSpanAt(at, timeZone).offsetMs
  const dayOf = (at: Instant): number => Math.floor(clockReading(at) / dayMs)
  const minuteOf = (at: Instant): number => Math.floor(clockReading(at) / minuteMs) % (dayMs / minuteMs)
  return {
    day: (at) => days.get(dayOf(at), () => compact(day.format(at))),
    date: (at) => dates.get(dayOf(at), () => compact(date.format(at))),
    time: (at) => times.get(minuteOf(at), () => compact(time.format(at))),
    when: (at) => whens.get(at, () => compact(when.format(at))),
    // Within a span of one offset a zone keeps its name.
    zone: (at) => zones.get(offsetSpanAt(at, timeZone).fromAt, () => compact(zoneName(longName, offset, at))),
  }
}

function zoneName(longName: Intl.DateTimeFormat, offset: Intl.DateTimeFormat, at: Instant): string {
  const [long, short] = [zonePart(longName, at), zonePart(offset, at)]
  return /\d/.test(short) && !/\d/.test(long) ? `${long} (${short})` : long
}

function zonePart(format: Intl.DateTimeFormat, at: Instant): string {
  return format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? ''
}
