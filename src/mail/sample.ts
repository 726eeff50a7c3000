import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { addLocalDays } from '#core/calendar.ts'
import { type Campaign, type Stage, weekdays } from '#core/campaign.ts'
import { ForewarnError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import type { CompiledTemplate, LetterValues } from '#core/letter.ts'

const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))

const sampleSchema = z.strictObject({
  title: z.string().min(1),
  stage: z.custom<Stage>(
    (value) => typeof value === 'string' && /^([1-9]\d{0,2}d|expired)$/.test(value),
    'expected 30d, 7d, … or expired',
  ),
  name: z.string().nullable(),
  locale: z.string().nullable().default(null),
  timeZone: z.string().default('UTC'),
  pins: z
    .array(z.strictObject({ expiresAt: instant, accountName: z.string().nullable(), setAt: instant.nullable() }))
    .min(1)
    .max(1000),
})

/** A made-up recipient, as `samples/NAME.json` describes one: for previews, renderings and tests. */
export type Sample = z.output<typeof sampleSchema> & { readonly key: string }

/** The samples of a template folder, in order of their names. Throws `template-invalid` for one that is broken. */
export async function readSamples(folder: string): Promise<Sample[]> {
  const directory = join(folder, 'samples')
  const files = (await readdir(directory)).filter((name) => name.endsWith('.json')).sort()
  return Promise.all(
    files.map(async (file) =>
      parseSample(await readFile(join(directory, file), 'utf8'), basename(file, '.json'), join(directory, file)),
    ),
  )
}

/** One sample from its JSON. `path`: what an error names. */
export function parseSample(json: string, key: string, path: string): Sample {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new ForewarnError('template-invalid', `The sample ${key} is not JSON.`, {
      path,
      hint: 'Correct the file.',
      cause,
    })
  }
  const parsed = sampleSchema.safeParse(value)
  if (parsed.success) return { ...parsed.data, key }
  const reasons = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new ForewarnError('template-invalid', `The sample ${key} cannot be used: ${reasons.join('; ')}.`, {
    path,
    hint: 'Correct the file.',
  })
}

/** The values of a mail to the sample's person at a stage, composed on the day of that stage, or an hour after the expiry. */
export function sampleLetter(
  sample: Sample,
  campaign: Campaign,
  choice: { readonly stage?: Stage; readonly locale?: string | null } = {},
): LetterValues {
  const stage = choice.stage ?? sample.stage
  const pins = sample.pins.toSorted((a, b) => a.expiresAt - b.expiresAt)
  const [first] = pins
  if (first === undefined) throw new TypeError('A sample has at least one PIN')
  return {
    messageId: '01JH0000000000000000000000',
    reference: '7K3M-Q2XW-9D4E',
    from: '"Partner Portal" <portal@example.com>',
    replyTo: 'help@example.com',
    to: 'recipient@example.com',
    name: sample.name,
    stage,
    locale: choice.locale ?? sample.locale,
    timeZone: sample.timeZone,
    composedAt: momentOf(stage, first.expiresAt, sample.timeZone),
    pins: pins.slice(0, campaign.digest.list),
    morePins: Math.max(0, pins.length - campaign.digest.list),
  }
}

const hourMs = 3_600_000

function momentOf(stage: Stage, expiresAt: Instant, timeZone: string): Instant {
  return stage === 'expired' ? expiresAt + hourMs : addLocalDays(expiresAt, -Number.parseInt(stage, 10), timeZone)
}

/** A campaign for samples, with made-up facts for all that the template asks for; `given` are used where they are there. */
export function sampleCampaign(template: CompiledTemplate, given: Campaign['facts'] = {}): Campaign {
  const madeUp = Object.keys(template.facts).map((name) => [name, madeUpFact(name)])
  return {
    key: template.name,
    template: template.name,
    pins: { kind: 'caller-pin', accounts: null, percent: 100 },
    schedule: { cron: '*/15 * * * *', timeZone: 'UTC' },
    stages: template.stages,
    window: { days: weekdays, fromMinute: 0, toMinute: 1440 },
    timeZone: 'UTC',
    graceDays: 7,
    spreadDays: 0,
    limit: { perHour: null, perDay: null },
    digest: { list: 100 },
    locales: { default: template.messages.en ? 'en' : (Object.keys(template.messages)[0] ?? 'en'), allow: null },
    links: { allow: ['example.com'] },
    facts: { ...Object.fromEntries(madeUp), ...given },
  }
}

function madeUpFact(name: string): string {
  if (name.endsWith('Url')) return `https://example.com/${name.slice(0, -3).toLowerCase()}`
  return name.endsWith('Email') ? `${name.slice(0, -5).toLowerCase()}@example.com` : name
}
