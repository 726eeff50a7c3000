import { z } from 'zod'
import { parseAddress } from '#core/address.ts'
import { databaseUrlExpected, defaultDatabase, isDatabaseUrl, isPortalUrl, isQueueUrl } from './backend-url.ts'
import { described, section } from './described.ts'
import { parseDuration } from './duration.ts'
import { isHost } from './host.ts'
import { parseMailbox } from './mailbox.ts'

/**
 * forewarn.yaml: every key with its default, its bounds and its meaning. Paths are as written; `load.ts` makes them absolute.
 * Each key is a plain value or a list, never a union: a wrong value then has one reason.
 */
export const settingsSchema = z.strictObject({
  database: described(
    z.string().max(2000).refine(isDatabaseUrl).default(defaultDatabase),
    'The ledger: what was decided, sent and stopped.',
    databaseUrlExpected,
  ),
  queue: described(
    z.string().max(2000).refine(isQueueUrl).default('embedded:'),
    'The queue that hurries messages to the workers.',
    'embedded:, redis://HOST, rediss://HOST or postgres://…',
  ),
  portal: section({
    url: described(
      z.string().max(2000).refine(isPortalUrl).default('own:'),
      'Where PINs are read: own: is the table filled by `pins import`.',
      'own:, file:PATH (SQLite) or postgres://…',
    ),
    relation: described(
      z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$/)
        .default('expiring_pins'),
      "Table or view of the portal's database that holds the PINs.",
      'a name of letters, digits and _, or SCHEMA.NAME',
    ),
    maxAge: described(
      duration(60_000, 366 * 86_400_000)
        .nullable()
        .prefault('24h'),
      'Nothing is sent from an own table whose last import is older; null: however old it is.',
      'a duration of 1m to 366d such as 24h, or null',
    ),
  }),
  campaigns: described(path().default('./campaigns'), 'Folder of the campaign files.', 'the path of a folder'),
  templates: described(path().default('../templates'), 'Folder of the mail templates.', 'the path of a folder'),
  mail: section({
    from: described(
      mailbox(),
      'Sender of every mail, on a domain that SES has verified.',
      'one mailbox such as \'"Partner Portal" <portal@example.com>\'',
    ),
    replyTo: described(mailbox(), 'Where answers go: somebody reads them.', 'one mailbox such as help@example.com'),
    configurationSet: described(
      z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,64}$/)
        .nullable()
        .default(null),
      "SES's configuration set of every mail; null: none.",
      'a name of up to 64 letters, digits, - and _, or null',
    ),
    rate: section({
      perSecond: described(
        z.number().min(0.0001).max(10_000).nullable().default(10),
        "SES calls per second at most, over all workers; null: as many as SES's rate and the reserve allow.",
        'a number from 0.0001 to 10000 (fractions are valid), or null',
      ),
      reserve: described(
        z.number().min(0).lt(1).default(0.3),
        "Share of SES's rate and daily quota that is left to the portal's own mail.",
        'a number from 0 to below 1',
      ),
    }),
    concurrency: described(
      z.int().min(1).max(1000).default(20),
      'SES calls in flight per worker at most.',
      'a whole number from 1 to 1000',
    ),
    timeoutMs: described(
      z.int().min(10).max(60_000).default(8000),
      'Milliseconds that one SES call may take as a whole.',
      'a whole number from 10 to 60000',
    ),
  }),
  resume: section({
    factor: described(
      z.number().min(0.001).max(1).default(0.1),
      'Share of the rate with which sending begins again after a stop.',
      'a number from 0.001 to 1',
    ),
    minutes: described(
      z.number().min(0).max(1440).default(5),
      'Minutes until the whole rate is reached again; 0: at once.',
      'a number from 0 to 1440',
    ),
  }),
  caps: section({
    perAddressPerDay: described(
      z.int().min(1).max(1000).nullable().default(3),
      'Mails to one address per day at most, over all campaigns; null: no cap.',
      'a whole number from 1 to 1000, or null',
    ),
  }),
  web: section({
    host: described(
      z.string().refine(isListenHost).default('127.0.0.1'),
      'Address on which health is served.',
      'an IP address or the name of a host',
    ),
    port: described(port().default(8080), 'Port of the same; 0: any free one.', portExpected()),
    publicUrl: described(
      z.string().max(2000).refine(isPublicUrl).nullable().default(null),
      'Where people reach these pages, for links; null: nowhere.',
      'an http:// or https:// URL without user, query and fragment, or null',
    ),
  }),
  preview: section({
    port: described(port().default(3000), 'Port of the preview site; 0: any free one.', portExpected()),
    testRecipients: described(
      z
        .array(described(address(), 'A tester.', 'a mail address'))
        .max(100)
        .default([]),
      'The only addresses that test mails may be sent to.',
      'a list of up to 100 mail addresses',
    ),
  }),
  retention: section({
    addressDays: described(
      z.int().min(1).max(3650).default(90),
      'Days after which addresses and values of mails are removed from the ledger.',
      'a whole number from 1 to 3650',
    ),
  }),
  log: section({
    level: described(
      z.enum(['debug', 'info', 'warn', 'error']).default('info'),
      'The least that is logged.',
      'debug, info, warn or error',
    ),
  }),
})

/** forewarn.yaml as checked, with its keys. */
export type ParsedSettings = z.output<typeof settingsSchema>

function path() {
  return z
    .string()
    .min(1)
    .max(1000)
    .regex(/^\P{Cc}*$/u)
}

function port() {
  return z.int().min(0).max(65_535)
}

function portExpected() {
  return 'a port from 0 to 65535'
}

function duration(minMs: number, maxMs: number) {
  return z
    .string()
    .regex(/^\d{1,6}[smhd]$/)
    .transform((text, context) => {
      const ms = parseDuration(text)
      if (ms !== null && ms >= minMs && ms <= maxMs) return ms
      context.addIssue('out of bounds')
      return z.NEVER
    })
}

function mailbox() {
  return z.string().transform((text, context) => {
    const mailbox = parseMailbox(text)
    if (typeof mailbox !== 'string') return mailbox
    context.addIssue(mailbox)
    return z.NEVER
  })
}

function address() {
  return z.string().transform((text, context) => {
    const parsed = parseAddress(text)
    if ('address' in parsed) return parsed.address
    context.addIssue(`it ${parsed.problem}`)
    return z.NEVER
  })
}

function isListenHost(text: string): boolean {
  return isHost(text) || z.ipv4().safeParse(text).success || z.ipv6().safeParse(text).success
}

function isPublicUrl(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password && !/[?#\s]/.test(text)
}
