import { CronExpressionParser } from 'cron-parser'
import type { z } from 'zod'
import { parseAddress } from '#core/address.ts'

// Checks of lists and groups run although some of their parts are wrong, so that all problems are told at once.
// Hence they meet values of any kind, and pass over what another check refuses.
const whenList = { when: ({ value }: { value: unknown }) => Array.isArray(value) }
const whenGroup = { when: ({ value }: { value: unknown }) => isGroup(value) && !Array.isArray(value) }

/** Nothing stands twice in the list. */
export function unique<T extends z.ZodArray>(list: T): T {
  return list.superRefine((values, context) => {
    for (const [index, value] of values.entries()) {
      if (values.indexOf(value) < index) context.addIssue({ code: 'custom', path: [index], message: 'it stands twice' })
    }
  }, whenList)
}

/** Stages fall from the widest to `expired`. Equal ones are `unique`'s. */
export function widestFirst<T extends z.ZodArray>(list: T): T {
  return list.superRefine((stages, context) => {
    for (const [index, stage] of stages.entries()) {
      const message = `it must stand before ${String(stages[index - 1])}`
      if (daysBefore(stages[index - 1]) < daysBefore(stage))
        context.addIssue({ code: 'custom', path: [index], message })
    }
  }, whenList)
}

/** The window's end lies after its begin. */
export function endsAfterBegin<T extends z.ZodObject>(window: T): T {
  return window.superRefine(({ from, to }, context) => {
    if (typeof from !== 'number' || typeof to !== 'number' || from < to) return
    context.addIssue({
      code: 'custom',
      path: ['to'],
      message: from === to ? 'the window is empty' : 'the window ends before it begins',
    })
  }, whenGroup)
}

/** Facts are what the end of their name says: a link, a mail address. */
export function asNamed<T extends z.ZodRecord>(facts: T): T {
  return facts.superRefine((values, context) => {
    for (const [name, value] of Object.entries(values)) {
      const message = typeof value === 'string' ? faultOfFact(name, value) : null
      if (message) context.addIssue({ code: 'custom', path: [name], message })
    }
  }, whenGroup)
}

/** What each key of a campaign allows, but not all of them together. */
export function consistent<T extends z.ZodObject>(campaign: T): T {
  return campaign.superRefine(({ stages, spread, locales }, context) => {
    const gap = smallestGap(Array.isArray(stages) ? stages : [])
    if (typeof spread === 'number' && spread >= gap) {
      const message = `the nearest two warnings are only ${gap}d apart`
      context.addIssue({ code: 'custom', path: ['spread'], message })
    }
    if (isGroup(locales) && Array.isArray(locales.allow) && !locales.allow.includes(locales.default)) {
      context.addIssue({ code: 'custom', path: ['locales', 'default'], message: 'it is not among locales.allow' })
    }
  }, whenGroup)
}

/** A cron expression of five or six fields that comes due at all. */
export function fires<T extends z.ZodString>(cron: T): T {
  return cron.superRefine((text, context) => {
    const fault = faultOfCron(text)
    if (fault) context.addIssue(fault)
  })
}

/** Whether the text names a zone of the IANA database. Intl takes offsets such as `+02:00` too, which know no daylight saving. */
export function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return /^[A-Za-z]/.test(text)
  } catch {
    return false
  }
}

/** The canonical form of a BCP 47 tag; null when the text is none. */
export function canonicalLocale(text: string): string | null {
  try {
    return Intl.getCanonicalLocales(text)[0] ?? null
  } catch {
    return null
  }
}

/** Days of a stage before the expiry, 0 for `expired`; not a number for anything else. */
export function daysBefore(stage: unknown): number {
  return stage === 'expired' ? 0 : Number(/^(\d+)d$/.exec(String(stage))?.[1])
}

/** Days between the two nearest warnings. `expired` is none: it does not move when the others are spread. */
function smallestGap(stages: readonly unknown[]): number {
  const days = stages.map(daysBefore).filter((before) => before > 0)
  const gaps = days.slice(1).map((before, index) => (days[index] ?? 0) - before)
  return Math.min(...gaps.filter((gap) => gap > 0))
}

function faultOfFact(name: string, value: string): string | null {
  if (name.endsWith('Url')) {
    const isLink = URL.parse(value)?.protocol === 'https:' && !/\s/.test(value)
    return isLink ? null : 'a name that ends in Url needs an https:// URL'
  }
  const isAddress = !name.endsWith('Email') || 'address' in parseAddress(value)
  return isAddress ? null : 'a name that ends in Email needs a mail address'
}

function faultOfCron(cron: string): string | null {
  const fields = cron.trim().split(/\s+/)
  if (fields.length !== 5 && fields.length !== 6)
    return cron.trim() === '' ? 'it is empty' : `it has ${fields.length === 1 ? '1 field' : `${fields.length} fields`}`
  // H is a random value in cron-parser: each process would have a timetable of its own.
  if (fields.some((field) => /(^|,)H/i.test(field))) return 'H is not supported'
  try {
    // Any fixed day will do. A leap day is at most eight years away; what is further away, nobody can have meant.
    const year = CronExpressionParser.parse(cron, { tz: 'UTC', currentDate: '2026-01-01T00:00:00Z' })
      .next()
      .getFullYear()
    return year > 2034 ? `it comes due in ${year} for the first time` : null
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error)
    return fault.includes('explicit day of month') ? 'none of its months has such a day: it never comes due' : fault
  }
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
