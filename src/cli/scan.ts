import { Command } from 'commander'
import { skipWords } from '#control/explain-words.ts'
import type { Prospect } from '#control/prospects.ts'
import { recipientNumber } from '#core/arrivals.ts'
import type { Campaign, Stage } from '#core/campaign.ts'
import { ForewarnError } from '#core/errors.ts'
import { type Instant, isoInstant } from '#core/instant.ts'
import type { SkipReason } from '#core/reminder.ts'
import type { DryReminder, DryRunResult } from '#jobs/dry-run.ts'
import { minuteText } from './instants.ts'
import { type OutFile, openOutFile } from './out-file.ts'
import { counted, type Globals, paint, print, table, visible } from './output.ts'
import { type Ahead, type ProspectOptions, withProspects } from './prospects.ts'

interface ScanOptions extends ProspectOptions {
  readonly dryRun?: boolean
  readonly out?: string
}

/** `scan --dry-run`: who would be written to now, and why others not. */
export function scanCommand(): Command {
  return new Command('scan')
    .description('who would be written to if a scan ran now, and why others not; writes nothing')
    .option('--dry-run', 'required: what really scans is `run --once` and `start`')
    .option('--at <INSTANT>', 'as if it were then, ISO 8601 with offset')
    .option('--campaign <KEY>', 'this campaign only')
    .option('--out <FILE>', 'write all of them there, as NDJSON')
    .action(async (_options, self: Command) => scan(self.optsWithGlobals()))
}

async function scan(options: ScanOptions): Promise<void> {
  if (options.dryRun !== true) {
    throw new ForewarnError('usage', '`scan` only looks: it needs --dry-run', {
      hint: '`forewarn run --once` scans and sends once; `forewarn start` goes on doing so',
    })
  }
  await withProspects(options, async (ahead) => {
    const out = options.out === undefined ? null : openOutFile('--out', options.out)
    try {
      const told = await look(ahead, options.campaign, out)
      out?.keep()
      print(options, dryRunJson(ahead.at, told), () => dryRunText(options, ahead, told))
    } finally {
      out?.close()
    }
  })
}

/** What a dry run of one campaign brought. */
interface Told extends Prospect, DryRunResult {
  /** As many as a list of all campaigns has room for. */
  readonly reminders: readonly DryReminder[]
  /** As many as people are shown. */
  readonly first: readonly DryReminder[]
  readonly stages: ReadonlyMap<Stage, StageCount>
}

interface StageCount {
  pins: number
  readonly people: Set<number>
}

/** JSON lists hold at most so many items, over all campaigns. */
const mostReminders = 1_000
const shown = 5

async function look(ahead: Ahead, only: string | undefined, out: OutFile | null): Promise<Told[]> {
  const { dryRun } = await import('#jobs/dry-run.ts')
  const told: Told[] = []
  let kept = 0
  for (const prospect of ahead.prospects) {
    const { campaign } = prospect
    if (only !== undefined && campaign.key !== only) continue
    const reminders: DryReminder[] = []
    const first: DryReminder[] = []
    const stages = new Map(campaign.stages.map((stage): [Stage, StageCount] => [stage, { pins: 0, people: new Set() }]))
    const onReminder = (reminder: DryReminder): void => {
      count(stages.get(reminder.stage), reminder)
      out?.write(JSON.stringify({ campaign: campaign.key, ...reminderJson(reminder) }))
      if (first.length < shown) first.push(reminder)
      if (kept < mostReminders) {
        reminders.push(reminder)
        kept += 1
      }
    }
    const result = await dryRun(ahead.ports, { campaign, at: ahead.at }, onReminder, ahead.signal)
    told.push({ ...prospect, ...result, reminders, first, stages })
  }
  return told
}

function count(stage: StageCount | undefined, { recipientKey }: DryReminder): void {
  if (stage === undefined) return
  stage.pins += 1
  stage.people.add(recipientNumber(recipientKey))
}

function dryRunJson(at: Instant, told: readonly Told[]) {
  const campaigns = told.map(({ campaign, own, examined, skipped, reminders, stages }) => [
    campaign.key,
    { own, examined, total: pinsIn(stages), reminders: reminders.map(reminderJson), skipped },
  ])
  const isTruncated = told.some(({ stages, reminders }) => pinsIn(stages) > reminders.length)
  return {
    at: isoInstant(at),
    campaigns: Object.fromEntries(campaigns),
    ...(isTruncated ? { truncated: true } : {}),
  }
}

function reminderJson({ pinId, version, stage, dueAt, address }: DryReminder) {
  return { pinId, version, stage, dueAt: isoInstant(dueAt), to: address }
}

function pinsIn(stages: Told['stages']): number {
  return [...stages.values()].reduce((sum, { pins }) => sum + pins, 0)
}

function dryRunText(options: ScanOptions, { at, stopped }: Ahead, told: readonly Told[]): string {
  const head = `A scan at ${minuteText(at)} would find, and nothing was written:`
  if (told.length === 0) return 'There are no campaigns.'
  return [
    head,
    ...(stopped ? ['Everything is stopped: nothing of this goes out until `forewarn switch on`.'] : []),
    ...told.flatMap((one) => ['', ...campaignLines(options, one)]),
    '',
    allLine(options),
  ].join('\n')
}

function campaignLines(globals: Globals, { campaign, own, examined, skipped, first, stages }: Told): string[] {
  const pins = pinsIn(stages)
  const people = new Set([...stages.values()].flatMap((stage) => [...stage.people])).size
  const name = own === 'on' ? campaign.key : `${campaign.key} (off)`
  const head = `${paint(globals, 'bold', name)}: ${counted(examined, 'PIN')} in reach; ${written(people, pins)}`
  const rows = [...stages].filter(([, stage]) => stage.pins > 0)
  return [
    head,
    ...(rows.length === 0 ? [] : ['', ...stageTable(rows)]),
    ...(Object.keys(skipped).length === 0 ? [] : ['', ...skipTable(campaign, skipped)]),
    ...(first.length === 0 ? [] : ['', ...firstTable(first, pins)]),
  ]
}

function written(people: number, pins: number): string {
  if (pins === 0) return 'nobody would be written to'
  return `${counted(people, 'person', 'people')} would be written to about ${counted(pins, 'PIN')}`
}

function stageTable(rows: readonly (readonly [Stage, StageCount])[]): string[] {
  return indented(
    ['written to', 'people', 'PINs'],
    rows.map(([stage, { people, pins }]) => [`at ${stage}`, String(people.size), String(pins)]),
  )
}

/** These stages would be decided without a mail. */
function skipTable({ stages }: Campaign, skipped: DryRunResult['skipped']): string[] {
  // The words for `too-late` are those of the last stage: a warning is only ever too late where there is no `expired`.
  const last = stages.at(-1) ?? 'expired'
  const rows = Object.entries(skipped).map(([reason, reminders]) => [
    reason,
    String(reminders),
    skipWords(reason as SkipReason, last),
  ])
  return indented(['not written to', 'stages', ''], rows)
}

function firstTable(first: readonly DryReminder[], pins: number): string[] {
  const rows = first.map(({ address, stage, pinId, dueAt }) => [
    visible(address),
    stage,
    visible(pinId),
    minuteText(dueAt),
  ])
  return [
    ...indented(['to', 'stage', 'PIN', 'due since'], rows),
    ...(pins > first.length ? [`  and ${pins - first.length} more`] : []),
  ]
}

function indented(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return table(header, rows)
    .split('\n')
    .map((line) => `  ${line}`)
}

function allLine({ out, campaign, at }: ScanOptions): string {
  if (out !== undefined) return `All of them, one JSON object a line: ${visible(out)}`
  const flags = [...(campaign === undefined ? [] : ['--campaign', campaign]), ...(at === undefined ? [] : ['--at', at])]
  return `All of them: forewarn scan --dry-run ${[...flags, '--out', 'FILE'].map(visible).join(' ')}`
}
