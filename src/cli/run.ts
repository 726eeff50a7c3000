import { Command } from 'commander'
import type { RunReport } from '#app/run-once.ts'
import { waitWords } from '#control/explain-words.ts'
import type { WaitCause } from '#control/wait-causes.ts'
import { exitCode, ForewarnError } from '#core/errors.ts'
import { isoInstant } from '#core/instant.ts'
import type { Ledger } from '#ledger/ledger.ts'
import { untilAsked } from './ending.ts'
import { counted, facts, type Globals, paint, print } from './output.ts'
import { loadFor, logFor, readAt } from './settings.ts'

interface RunOptions extends Globals {
  readonly once?: boolean
  readonly at?: string
  readonly campaign?: string
}

/** `run --once`: scan, assemble, send, end. */
export function runCommand(end: (code: number) => void): Command {
  return new Command('run')
    .description('scan, assemble and send what is due, then end')
    .requiredOption('--once', 'one run; the service that goes on running is `start`')
    .option('--at <INSTANT>', 'business time of the run, ISO 8601 with offset (for trying)')
    .option('--campaign <KEY>', 'this campaign only')
    .action(async (_options, self: Command) => end(await run(self.optsWithGlobals())))
}

async function run(options: RunOptions): Promise<number> {
  const { settings } = await loadFor(options)
  const [{ systemClocks }, { wireLedger, wireService }, { runOnce }] = await Promise.all([
    import('#app/clocks.ts'),
    import('#app/wire.ts'),
    import('#app/run-once.ts'),
  ])
  const at = await readAt(options.at, systemClocks())
  const clocks = systemClocks(at)
  const log = await logFor(options, settings.log.level)
  const opened = await wireLedger(settings, clocks)
  try {
    const campaign = options.campaign ?? null
    if (campaign !== null) await mustBeKnown(campaign, settings.campaigns, opened.ledger)
    const ending = untilAsked()
    // A queue of its own: what another process has queued is not this run's to drain.
    const queue = { url: 'embedded:', name: 'forewarn-run' }
    const service = await wireService({ settings, opened, clocks, log, ending: ending.signal, queue })
    try {
      const report = await runOnce(service, campaign, ending.signal)
      // Business time has gone on since; it began at the instant that was asked for.
      print(options, reportJson({ ...report, at: at ?? report.at }), () => reportText(options, report, campaign))
      return exitOf(report)
    } finally {
      await service.ports.queue.stop(settings.mail.timeoutMs)
      service.ports.mailer.close()
    }
  } finally {
    await opened.ledger.close()
  }
}

/** On file, or enabled at some time. Throws ForewarnError `campaign-unknown`. */
async function mustBeKnown(key: string, folder: string, { editions }: Pick<Ledger, 'editions'>): Promise<void> {
  if ((await editions.current(key)) !== null) return
  const { loadCampaigns } = await import('#settings/campaign-file.ts')
  const onFile = loadCampaigns(folder).campaigns.map(({ campaign }) => campaign.key)
  if (onFile.includes(key)) return
  const known = new Set([...onFile, ...(await editions.all()).map(({ campaign }) => campaign.key)])
  throw new ForewarnError('campaign-unknown', `there is no campaign ${key}`, {
    hint: `known campaigns: ${[...known].join(', ') || 'none'}; \`forewarn config check\` names broken files`,
  })
}

/** The exit code that a run's report means. */
export function exitOf({ refused, interrupted, messages }: RunReport): number {
  if (refused !== null) return exitCode.refused
  return interrupted || messages.failed + messages.inDoubt > 0 ? exitCode.partial : exitCode.done
}

/** The report as JSON shows it. */
export function reportJson({ refused, interrupted, at, ...report }: RunReport) {
  return {
    at: isoInstant(at),
    ...(refused === null ? {} : { refused }),
    ...(interrupted ? { interrupted } : {}),
    ...report,
  }
}

/** The report for people; `campaign`: the one that was asked for. */
export function reportText(globals: Globals, report: RunReport, campaign: string | null): string {
  if (report.refused !== null) return refusalText(globals, report.refused)
  const { messages, reminders } = report
  const scans = Object.entries(report.scanned)
  if (scans.length === 0) return nothingText(report, campaign)
  const skipped = listed(reminders.skipped)
  return [
    ...facts([
      ...scans.map(([key, { examined, planned }]): [string, string] => {
        return ['scanned', `${key}: ${counted(examined, 'PIN')} in reach, ${counted(planned, 'new reminder')}`]
      }),
      [
        'mails',
        `${messages.sent} sent, ${messages.failed} refused by SES, ${messages.inDoubt} in doubt, ${messages.skipped} dropped`,
      ],
      [
        'reminders',
        `${reminders.sent} sent, ${reminders.failed} failed, ${reminders.inDoubt} in doubt, ${reminders.pending} open`,
      ],
      ['not sent', skipped === '' ? 'none' : skipped],
      ...waitingFacts(report),
      ['took', `${(report.durationMs / 1_000).toFixed(1)} s`],
    ]),
    ...(report.interrupted ? ['It was interrupted: what is left waits for the next run.'] : []),
    ...(messages.inDoubt > 0 ? ['What is in doubt: forewarn messages list --state in_doubt'] : []),
    ...(messages.failed > 0 ? ['What was refused: forewarn messages list --state failed'] : []),
  ].join('\n')
}

function refusalText(globals: Globals, refused: 'gate' | 'stale-source'): string {
  return refused === 'gate'
    ? `${paint(globals, 'red', 'SENDING IS STOPPED')}\n  Nothing was scanned or sent. \`forewarn switch status\` says since when and why.`
    : `${paint(globals, 'red', 'NOTHING WAS SENT')}\n  The last import of PINs is too old (portal.maxAge). Bring them up to date: forewarn pins import FILE`
}

function nothingText(report: RunReport, campaign: string | null): string {
  const key = campaign ?? 'KEY'
  return [
    campaign === null
      ? 'No campaign is on: nothing was scanned or sent.'
      : `${campaign} is off: nothing was scanned or sent.`,
    ...facts([...waitingFacts(report), ['enable', `forewarn campaign enable ${key} --reason "why"`]]),
  ].join('\n')
}

function waitingFacts({ messages, waiting }: RunReport): [string, string][] {
  if (messages.pending === 0) return [['waiting', 'no mail']]
  return Object.entries(waiting).map(([cause, count]) => {
    const why = cause in waitWords ? `: ${waitWords[cause as WaitCause]}` : ''
    return ['waiting', `${counted(count, 'mail')} (${cause})${why}`]
  })
}

function listed(byReason: Readonly<Partial<Record<string, number>>>): string {
  return Object.entries(byReason)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ')
}
