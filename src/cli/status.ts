import { Command } from 'commander'
import type { CampaignStatus, ScanStatus, StatusReport } from '#control/status.ts'
import type { Hold, HoldCause } from '#core/hold.ts'
import { isoInstant } from '#core/instant.ts'
import { gateJson, headline, sinceFacts } from './gate-view.ts'
import { isoOrNull, minuteText, secondText, spanText } from './instants.ts'
import { counted, facts, type Globals, paint, print, table, visible, warn } from './output.ts'
import { withLedger } from './settings.ts'

/** `status`: what is allowed, what waits, how fast it goes, and what is in doubt. */
export function statusCommand(): Command {
  return new Command('status')
    .description('is sending allowed, what waits, how fast it goes, what is in doubt')
    .action(async (_options, self: Command) => status(self.optsWithGlobals()))
}

async function status(globals: Globals): Promise<void> {
  await withLedger(globals, 'existing', async (opened) => {
    const { ledger, settings, clocks } = opened
    const [{ wireCampaigns }, { readStatus }] = await Promise.all([
      import('#app/wire.ts'),
      import('#control/status.ts'),
    ])
    const { ports, warnings } = await wireCampaigns(settings, opened)
    for (const warning of warnings) warn(globals, warning)
    const { rate } = settings.mail
    const report = await readStatus({ ledger, campaigns: ports, clocks, rate, queueUrl: settings.queue })
    print(globals, statusJson(report), () => statusText(globals, report, ledger.address))
  })
}

function statusJson({ gate, holds, campaigns, rate, finishAt, scans, ...rest }: StatusReport) {
  return {
    gate: gateJson(gate),
    holds: holds.map(({ cause, since, nextProbeAt }) => ({
      cause,
      since: isoInstant(since),
      nextProbe: isoInstant(nextProbeAt),
    })),
    campaigns,
    rate,
    finishAt: isoOrNull(finishAt),
    ...rest,
    scans: scans.map((scan) => ({ ...scan, finishedAt: isoInstant(scan.finishedAt) })),
  }
}

function statusText(globals: Globals, report: StatusReport, address: string): string {
  const { gate, holds, campaigns, scans } = report
  return [
    headline(globals, gate),
    ...facts([['ledger', address], ...sinceFacts(gate), ...movement(report)]),
    ...holds.flatMap((hold) => holdLines(globals, hold)),
    ...campaigns.flatMap((campaign) => guardLines(globals, campaign)),
    '',
    campaigns.length > 0 ? campaignTable(globals, campaigns) : 'There are no campaigns.',
    ...(scans.length > 0 ? ['', scanTable(scans)] : []),
    ...advice(report),
  ].join('\n')
}

function movement({ rate, queue, finishAt, oldestDoubtSeconds }: StatusReport): [string, string][] {
  const finish = finishAt === null ? '' : `, out by ${minuteText(finishAt)}`
  return [
    ['rate', `${rate.actual.toFixed(1)} mails a second in the last minute, ${rate.limit.toFixed(1)} allowed now`],
    ['ready', `${counted(queue.waiting, 'message')} may be sent now${finish}`],
    ['open calls', String(queue.active)],
    ...(oldestDoubtSeconds === null
      ? []
      : ([['in doubt', `the oldest for ${spanText(oldestDoubtSeconds)}`]] satisfies [string, string][])),
  ]
}

const holdWords: Readonly<Record<HoldCause, string>> = {
  'set-up': 'Amazon SES refuses our set-up (identity, permission or sandbox)',
  paused: 'sending is paused at Amazon SES',
  quota: "the share of Amazon SES's daily quota is used up",
  outage: 'Amazon SES does not answer',
}

function holdLines(globals: Globals, { cause, since, nextProbeAt }: Hold): string[] {
  const head = paint(globals, 'yellow', `ON HOLD: ${holdWords[cause]}`)
  return [
    `${head} (${cause})`,
    `  since ${secondText(since)}; one mail is tried at ${secondText(nextProbeAt)}; ends by itself`,
  ]
}

function guardLines(globals: Globals, { key, guard }: CampaignStatus): string[] {
  if (guard === null) return []
  const head = paint(globals, 'yellow', `CLOSED BY A GUARD: ${key}`)
  return [
    head,
    `  ${visible(guard)}`,
    `  see what the portal says of its PINs, then: forewarn campaign enable ${key} --reason "why"`,
  ]
}

function campaignTable(globals: Globals, campaigns: readonly CampaignStatus[]): string {
  const rows = campaigns.map((row) => [
    row.key + (row.edited ? ' (edited)' : ''),
    row.own === row.effective ? row.own : `${row.own}, stopped`,
    ...[row.pending, row.sending, row.sent, row.failed].map(String),
    row.inDoubt > 0 ? paint(globals, 'yellow', String(row.inDoubt)) : '0',
    String(row.skipped),
  ])
  return table(['messages of', 'is', 'waiting', 'sending', 'sent', 'failed', 'in doubt', 'dropped'], rows)
}

function scanTable(scans: readonly ScanStatus[]): string {
  const rows = scans.map(({ campaign, finishedAt, examined, lagSeconds }) => [
    campaign,
    secondText(finishedAt),
    `${spanText(lagSeconds)} ago`,
    String(examined),
  ])
  return table(['last scan of', 'ended', '', 'PINs looked at'], rows)
}

/** What one would type next. */
function advice({ gate, campaigns }: StatusReport): string[] {
  const lines: string[] = []
  if (gate.state === 'off') lines.push('To allow sending again: forewarn switch on --reason "why"')
  if (campaigns.some(({ inDoubt }) => inDoubt > 0))
    lines.push('What is in doubt: forewarn messages list --state in_doubt')
  if (campaigns.length > 0 && campaigns.every(({ own, guard }) => own === 'off' && guard === null)) {
    lines.push('No campaign is on. To switch one on: forewarn campaign enable KEY --reason "why"')
  }
  if (campaigns.some(({ edited }) => edited)) {
    lines.push('Edited: the files differ from what was enabled, and what was enabled is sent.')
  }
  return lines.length > 0 ? ['', ...lines] : []
}
