import { Command } from 'commander'
import type { StatusReport } from '#control/status.ts'
import { isoInstant } from '#core/instant.ts'
import { gateJson } from './gate-view.ts'
import { isoOrNull, minuteText } from './instants.ts'
import { type Globals, paint, print, table } from './output.ts'
import { loadFor } from './settings.ts'

/** `status`: what is allowed, what waits, how fast it goes, and what is in doubt. */
export function statusCommand(): Command {
  return new Command('status')
    .description('gates, holds, counts, rate, finish time, lag, last scans, doubts')
    .action(async (_options, self: Command) => status(self.optsWithGlobals()))
}

async function status(globals: Globals): Promise<void> {
  const { settings } = await loadFor(globals)
  const [{ wireLedger, wireCampaigns }, { systemClocks }, { readStatus }] = await Promise.all([
    import('#app/wire.ts'),
    import('#app/clocks.ts'),
    import('#control/status.ts'),
  ])
  const clocks = systemClocks()
  const opened = await wireLedger(settings, clocks)
  try {
    const { ports } = await wireCampaigns(settings, opened)
    const report = await readStatus({
      ledger: opened.ledger,
      campaigns: ports,
      clocks,
      rate: settings.mail.rate,
      queueUrl: settings.queue,
    })
    print(globals, statusJson(report), () => statusText(globals, report, opened.ledger.address))
  } finally {
    await opened.ledger.close()
  }
}

function statusJson({ gate, holds, finishAt, scans, ...rest }: StatusReport) {
  return {
    gate: gateJson(gate),
    holds: holds.map(({ cause, since, nextProbeAt }) => ({
      cause,
      since: isoInstant(since),
      nextProbe: isoInstant(nextProbeAt),
    })),
    ...rest,
    finishAt: isoOrNull(finishAt),
    scans: scans.map((scan) => ({ ...scan, finishedAt: isoInstant(scan.finishedAt) })),
  }
}

function statusText(globals: Globals, report: StatusReport, address: string): string {
  const { gate, holds, campaigns, rate, scans } = report
  const rows = campaigns.map((row) => [
    row.key + (row.edited ? ' (edited)' : ''),
    row.own === row.effective ? row.own : `${row.own}, stopped`,
    ...[row.pending, row.sending, row.sent, row.failed, row.skipped, row.inDoubt].map(String),
  ])
  const scanRows = scans.map(({ campaign, finishedAt, examined, lagSeconds }) => [
    campaign,
    minuteText(finishedAt),
    String(examined),
    `${lagSeconds} s`,
  ])
  return [
    gate.state === 'on' ? paint(globals, 'green', 'SENDING IS ALLOWED') : paint(globals, 'red', 'SENDING IS STOPPED'),
    ...(gate.epoch === 0 ? [] : [`  since ${isoInstant(gate.since)} by ${gate.actor}: ${gate.reason}`]),
    ...holds.map(({ cause, since, nextProbeAt }) =>
      paint(globals, 'yellow', `ON HOLD (${cause}) since ${isoInstant(since)}, next try ${isoInstant(nextProbeAt)}`),
    ),
    `  ledger  ${address}`,
    `  rate    ${rate.actual.toFixed(1)} of at most ${rate.limit.toFixed(1)} a second${report.finishAt === null ? '' : `; what waits is out by ${minuteText(report.finishAt)}`}`,
    ...(report.oldestDoubtSeconds === null
      ? []
      : [`  doubts  the oldest is ${Math.round(report.oldestDoubtSeconds)} s old`]),
    '',
    rows.length > 0
      ? table(['campaign', 'is', 'pending', 'sending', 'sent', 'failed', 'skipped', 'in doubt'], rows)
      : 'There are no campaigns.',
    ...(scanRows.length > 0 ? ['', table(['last scan', 'finished', 'PINs', 'ago'], scanRows)] : []),
  ].join('\n')
}
