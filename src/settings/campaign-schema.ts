import { z } from 'zod'
import { type Campaign, type Stage, weekdays } from '#core/campaign.ts'
import {
  asNamed,
  canonicalLocale,
  consistent,
  daysBefore,
  endsAfterBegin,
  fires,
  isTimeZone,
  unique,
  widestFirst,
} from './campaign-checks.ts'
import { described, section } from './described.ts'
import { parseDays } from './duration.ts'
import { isHost } from './host.ts'

const nameExpected = 'a name of up to 64 of a-z, 0-9 and -'
const zoneExpected = 'an IANA time zone such as Europe/Berlin'
const countExpected = 'a whole number from 1 to 10000000, or null'

/** A campaign file: every key with its default, its bounds and its meaning. */
export const campaignSchema = consistent(
  z.strictObject({
    key: described(name(), 'Name of the campaign, unique over all files.', nameExpected),
    template: described(name(), 'Name of the template folder.', nameExpected),
    pins: section({
      kind: described(line(100).default('caller-pin'), 'Which kind of PINs is warned.', 'up to 100 characters'),
      accounts: described(
        unique(
          z
            .array(described(line(200), 'An account.', 'an account id in quotes, each once'))
            .min(1)
            .max(1000),
        )
          .nullable()
          .default(null),
        'Accounts whose PINs are warned, for a pilot; null: all.',
        'a list of 1 to 1000 different account ids in quotes, or null',
      ),
      percent: described(
        z.number().min(0).max(100).default(100),
        'Share of the recipients who are warned, always the same ones, for a pilot.',
        'a number from 0 to 100',
      ),
    }),
    schedule: section({
      cron: described(
        fires(z.string().max(200)).default('*/15 * * * *'),
        'When PINs are looked through.',
        'a cron expression of five or six fields such as */15 * * * *',
      ),
      timeZone: described(zone().default('UTC'), 'Zone of the cron expression.', zoneExpected),
    }),
    stages: described(
      widestFirst(unique(z.array(stage()).min(1).max(32))),
      'Days before the expiry on which is warned, and `expired`.',
      'a list of 1d to 365d, widest first, and expired as the last if at all',
    ),
    window: described(
      endsAfterBegin(
        z.strictObject({
          days: described(
            unique(
              z
                .array(described(z.enum(weekdays), 'A sending day.', 'mon, tue, wed, thu, fri, sat or sun, each once'))
                .min(1),
            ).default(['mon', 'tue', 'wed', 'thu', 'fri']),
            'Sending days.',
            'a list of mon, tue, wed, thu, fri, sat, sun, each at most once',
          ),
          from: described(
            timeOfDay(1439).prefault('09:00'),
            "Begin, in the recipient's zone.",
            "a time such as '09:00'",
          ),
          to: described(
            timeOfDay(1440).prefault('17:00'),
            "End (exclusive), in the recipient's zone.",
            "a time after `from`, up to '24:00'",
          ),
          timeZone: described(zone().default('UTC'), 'Zone of PINs that have none of their own.', zoneExpected),
        }),
      )
        .nullable()
        .prefault({}),
      'When mails may go out; null: at any time of any day.',
      'days, from, to and timeZone, or null',
    ),
    grace: described(
      days(365).prefault('7d'),
      'How long after the expiry `expired` may be sent.',
      '0d to 365d, such as 7d',
    ),
    spread: described(
      days(90).prefault('0d'),
      'Days over which a peak is levelled: each person is warned up to so many days earlier.',
      '0d to 90d, such as 3d, fewer than between any two warnings',
    ),
    limit: section({
      perHour: described(count().nullable().default(null), 'Mails per hour at most; null: no limit.', countExpected),
      perDay: described(count().nullable().default(null), 'Mails per day at most; null: no limit.', countExpected),
    }),
    digest: section({
      list: described(
        z.int().min(1).max(100).default(100),
        'How many PINs one mail lists before "and N more".',
        'a whole number from 1 to 100',
      ),
    }),
    locales: section({
      default: described(
        locale().default('en'),
        'Language of those who wish for none that we have.',
        'a BCP 47 tag such as en',
      ),
      allow: described(
        unique(
          z
            .array(described(locale(), 'A language.', 'a BCP 47 tag such as pt-BR, each once'))
            .min(1)
            .max(100),
        )
          .nullable()
          .default(null),
        'Languages that are used; null: all that the template has.',
        'a list of different BCP 47 tags such as [en, pt-BR], or null',
      ),
    }),
    links: z.strictObject({
      allow: described(
        unique(z.array(host()).min(1).max(100)),
        'Hosts that a mail may link to.',
        'a list of different host names without port and path',
      ),
    }),
    facts: described(
      asNamed(z.record(z.string().regex(/^[a-z][A-Za-z0-9]{0,63}$/), fact())),
      'What the template must be told; null: there is none. Names end in Url for https:// URLs, in Email for addresses.',
      'names of letters and digits, each with a text or null',
    ),
  }),
)

/** The campaign that a checked file means. */
export function campaignOf(file: z.output<typeof campaignSchema>): Campaign {
  const { window, grace, spread, ...same } = file
  return {
    ...same,
    window: window && {
      days: weekdays.filter((day) => window.days.includes(day)),
      fromMinute: window.from,
      toMinute: window.to,
    },
    // Without a window, the timetable's zone is the only one that the file names.
    timeZone: window?.timeZone ?? file.schedule.timeZone,
    graceDays: grace,
    spreadDays: spread,
  }
}

/** Also part of folder names, command lines and SES tags: hence so narrow. */
function name() {
  return z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
}

function line(maxCharacters: number) {
  return z
    .string()
    .min(1)
    .max(maxCharacters)
    .regex(/^\P{Cc}*$/u)
}

function count() {
  return z.int().min(1).max(10_000_000)
}

function zone() {
  return z.string().refine(isTimeZone)
}

function stage() {
  const text = z
    .string()
    .regex(/^([1-9]\d{0,2}d|expired)$/)
    .refine((text) => daysBefore(text) <= 365)
    .transform((text) => text as Stage)
  return described(text, 'A point of the timetable.', '1d to 365d or expired, widest first, each once')
}

function host() {
  const name = z.string().toLowerCase().refine(isHost)
  return described(name, 'A host.', 'a host name such as example.com: no scheme, port, path or *; each once')
}

function fact() {
  return described(line(2000).nullable(), 'A fact.', 'a text of one line (a date or number in quotes), or null')
}

function days(max: number) {
  return z
    .string()
    .regex(/^(0|[1-9]\d{0,2})d$/)
    .transform((text, context) => {
      const days = parseDays(text)
      if (days !== null && days <= max) return days
      context.addIssue(`more than ${max} days`)
      return z.NEVER
    })
}

/** Minutes after midnight. */
function timeOfDay(maxMinutes: number) {
  return z
    .string()
    .regex(/^\d\d:[0-5]\d$/)
    .transform((text, context) => {
      const [hours = 0, minutes = 0] = text.split(':').map(Number)
      if (hours * 60 + minutes <= maxMinutes) return hours * 60 + minutes
      context.addIssue('no such time of day')
      return z.NEVER
    })
}

function locale() {
  return z.string().transform((text, context) => {
    const tag = canonicalLocale(text)
    if (tag !== null) return tag
    context.addIssue('no such language tag')
    return z.NEVER
  })
}
