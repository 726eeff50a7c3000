import { Command } from 'commander'
import type { Prospect } from '#control/prospects.ts'
import { ForewarnError } from '#core/errors.ts'
import type { ForecastDay } from '#jobs/forecast.ts'
import { minuteText } from './instants.ts'
import { counted, paint, print, table } from './output.ts'
import { type Ahead, type ProspectOptions, withProspects } from './prospects.ts'

interface ForecastOptions extends ProspectOptions {
  readonly days: string
}

const mostDays = 366

/** `forecast`: mails per day and campaign, and where a limit is exceeded. */
export function forecastCommand(): Command {
  return new Command('forecast')
    .description('mails per day and campaign, and on which days they exceed a limit')
    .requiredOption('--days <N>', `how many days, 1 to ${mostDays}`)
    .option('--at <INSTANT>', 'as if it were then, ISO 8601 with offset')
    .option('--campaign <KEY>', 'show this campaign only')
    .action(async (_options, self: Command) => foretell(self.optsWithGlobals()))
}

async function foretell(options: ForecastOptions): Promise<void> {
  const days = readDays(options.days)
  await withProspects(options, async (ahead) => {
    const { forecast } = await import('#jobs/forecast.ts')
    // All are counted, also when one is wanted: they share an address's daily cap and SES's quota.
    const all = await forecast(ahead.ports, { campaigns: ahead.prospects, at: ahead.at, days }, ahead.signal)
    const wanted = ahead.prospects.filter(({ campaign: { key } }) => (options.campaign ?? key) === key)
    const keys = wanted.map(({ campaign }) => campaign.key)
    const only = (counts: ForecastDay['over']) => Object.fromEntries(keys.map((key) => [key, counts[key] ?? 0]))
    const shown = all.map(({ date, messages, over }) => ({ date, messages: only(messages), over: only(over) }))
    print(options, { days: shown }, () => forecastText(options, ahead, wanted, shown))
  })
}

function readDays(text: string): number {
  const days = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (days >= 1 && days <= mostDays) return days
  throw new ForewarnError('usage', `--days ${text} is not a whole number from 1 to ${mostDays}`)
}

function forecastText(
  options: ForecastOptions,
  { at, stopped, ports: { policy } }: Ahead,
  prospects: readonly Prospect[],
  days: readonly ForecastDay[],
): string {
  if (prospects.length === 0) return 'There are no campaigns.'
  const isOver = days.some(({ over }) => Object.values(over).some((count) => count > 0))
  const isOff = prospects.some(({ own }) => own === 'off')
  return [
    `Mails a day from ${minuteText(at)} on, if no PIN is set anew before its mail:`,
    ...(stopped ? ['Everything is stopped: this is as if sending were allowed from then on.'] : []),
    ...blocksOf(prospects).flatMap((block) => ['', dayTable(options, block, days)]),
    '',
    ...(isOver ? [...overNote, limitNote(prospects, policy)] : ['No limit is exceeded.']),
    ...(isOff ? ['off: what it would send if it were on; it takes no room from the others.'] : []),
  ].join('\n')
}

const overNote = [
  '+N: so many more are ready on that day, and a limit keeps them back.',
  'They go on a later day, if they are still right then.',
]

const terminalColumns = 80
const dateColumns = 'Mon 2026-01-01'.length
const gapColumns = 2

/** As many campaigns beside each other as a terminal has room for. */
function blocksOf(prospects: readonly Prospect[]): Prospect[][] {
  const blocks: Prospect[][] = []
  let used = terminalColumns
  for (const prospect of prospects) {
    const columns = gapColumns + Math.max(nameOf(prospect).length, narrowest)
    if (used + columns > terminalColumns) {
      blocks.push([])
      used = dateColumns
    }
    blocks.at(-1)?.push(prospect)
    used += columns
  }
  return blocks
}

/** Room for thousands of mails, and as many over. */
const narrowest = '10000 +10000'.length

function nameOf({ campaign, own }: Prospect): string {
  return own === 'on' ? campaign.key : `${campaign.key} (off)`
}

function dayTable(options: ForecastOptions, block: readonly Prospect[], days: readonly ForecastDay[]): string {
  const columns = block.map(({ campaign }) => columnOf(options, days, campaign.key))
  const names = [...days.map(({ date }) => dayName(options, date)), 'sent in all']
  return table(
    ['', ...block.map(nameOf)],
    names.map((name, row) => [name, ...columns.map((column) => column[row] ?? '')]),
  )
}

/** What a campaign sends on each day, and what is over, and the sum; numbers stand below each other. */
function columnOf(options: ForecastOptions, days: readonly ForecastDay[], key: string): string[] {
  const sent = days.map((day) => (day.messages[key] ?? 0) - (day.over[key] ?? 0))
  const over = days.map((day) => day.over[key] ?? 0)
  const total = sent.reduce((sum, mails) => sum + mails, 0)
  const width = String(total).length
  const overWidth = `+${Math.max(...over)}`.length
  const cells = sent.map((mails, row) => {
    const more = over[row] ?? 0
    const mark = more === 0 ? '' : paint(options, 'yellow', ` ${`+${more}`.padStart(overWidth)}`)
    return String(mails).padStart(width) + mark
  })
  return [...cells, String(total)]
}

/** Weekends step back. */
function dayName(options: ForecastOptions, date: string): string {
  const weekday = new Date(`${date}T00:00:00Z`).toLocaleDateString('en', { weekday: 'short', timeZone: 'UTC' })
  const name = `${weekday} ${date}`
  return weekday.startsWith('S') ? paint(options, 'dim', name) : name
}

/** What may have kept them back. */
function limitNote(prospects: readonly Prospect[], { perAddressPerDay, rate }: Ahead['ports']['policy']): string {
  const own = prospects.flatMap(({ campaign: { key, limit } }) => [
    ...(limit.perHour === null ? [] : [`${key} ${counted(limit.perHour, 'mail')} an hour`]),
    ...(limit.perDay === null ? [] : [`${key} ${counted(limit.perDay, 'mail')} a day`]),
  ])
  const cap = perAddressPerDay === null ? [] : [`an address ${counted(perAddressPerDay, 'mail')} a day`]
  const pace = rate.perSecond === null ? [] : [`all ${counted(rate.perSecond, 'mail')} a second`]
  return `Limits: ${[...own, ...cap, ...pace].join('; ')}; Amazon SES's rate and quota, where known.`
}
