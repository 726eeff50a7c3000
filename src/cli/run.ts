import { Command } from 'commander'
import type { RunReport } from '#app/run-once.ts'
import { exitCode } from '#core/errors.ts'
import { isoInstant } from '#core/instant.ts'
import { untilAsked } from './ending.ts'
import { type Globals, paint, print } from './output.ts'
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
  const clocks = systemClocks(await readAt(options.at, systemClocks()))
  const log = await logFor(options, settings.log.level)
  const opened = await wireLedger(settings, clocks)
  const ending = untilAsked()
  // A queue of its own: what another process has queued is not this run's to drain.
  const queue = { url: 'embedded:', name: 'forewarn-run' }
  const service = await wireService({ settings, opened, clocks, log, ending: ending.signal, queue })
  try {
    const report = await runOnce(service, options.campaign ?? null, ending.signal)
    print(options, reportJson(report), () => reportText(options, report))
    return exitOf(report)
  } finally {
    await service.ports.queue.stop(settings.mail.timeoutMs)
    service.ports.mailer.close()
    await opened.ledger.close()
  }
}

/** The exit code that a run's report means. */
export function exitOf({ refused, messages }: RunReport): number {
  if (refused !== null) return exitCode.refused
  return messages.failed + messages.inDoubt > 0 ? exitCode.partial : exitCode.done
}

/** The report as JSON shows it. */
export function reportJson({ refused, at, ...report }: RunReport) {
  return { at: isoInstant(at), ...(refused === null ? {} : { refused }), ...report }
}

/** The report for people. */
export function reportText(globals: Globals, report: RunReport): string {
  if (report.refused === 'gate') {
    return `${paint(globals, 'red', 'SENDING IS STOPPED')}: nothing was scanned or sent. \`forewarn switch status\` says since when and why.`
  }
  if (report.refused === 'stale-source') {
    return `${paint(globals, 'red', 'Refused')}: the PINs were last imported too long ago (portal.maxAge). Import them again with \`forewarn pins import FILE\`.`
  }
  const { messages, reminders } = report
  const scans = Object.entries(report.scanned).map(
    ([key, { examined, planned }]) => `scanned   ${key}: ${examined} PINs in reach, ${planned} reminders decided`,
  )
  return [
    ...(scans.length > 0 ? scans : ['No campaign is enabled: nothing to do.']),
    `mails     ${messages.sent} sent, ${messages.failed} refused, ${messages.inDoubt} in doubt, ${messages.skipped} skipped, ${messages.pending} waiting${counts(report.waiting)}`,
    `reminders ${reminders.sent} sent, ${reminders.failed} failed, ${reminders.inDoubt} in doubt, ${reminders.pending} open, skipped${counts(reminders.skipped) || ' none'}`,
    `took      ${(report.durationMs / 1_000).toFixed(1)} s`,
  ].join('\n')
}

function counts(byReason: Readonly<Partial<Record<string, number>>>): string {
  const parts = Object.entries(byReason).map(([reason, count]) => `${reason} ${count}`)
  return parts.length > 0 ? ` (${parts.join(', ')})` : ''
}
