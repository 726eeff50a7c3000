import { Command } from 'commander'
import type { CampaignPorts, CampaignView } from '#control/campaigns.ts'
import { ForewarnError } from '#core/errors.ts'
import { isoInstant } from '#core/instant.ts'
import type { Gate } from '#ledger/ledger.ts'
import type { OpenedLedger } from '#ledger/open.ts'
import type { Settings } from '#settings/load.ts'
import { gateJson } from './gate-view.ts'
import { type Globals, paint, print, table, warn } from './output.ts'
import { byFor, loadFor } from './settings.ts'

interface ReasonOptions extends Globals {
  readonly reason?: string
}

/** `campaign list|show|enable|disable`. */
export function campaignCommand(): Command {
  const command = new Command('campaign').description('campaigns: what is warned about, and whether')
  command
    .command('list')
    .description('all campaigns, and whether each is on')
    .action(async (_options, self: Command) => list(self.optsWithGlobals(), null))
  command
    .command('show')
    .argument('<KEY>')
    .description('one campaign in full')
    .action(async (key: string, _options, self: Command) => list(self.optsWithGlobals(), key))
  command
    .command('enable')
    .argument('<KEY>')
    .description('check a campaign, keep it and its compiled template in the ledger, and switch it on')
    .option('--reason <TEXT>', 'why, for the audit (required)')
    .action(async (key: string, _options, self: Command) => enable(key, self.optsWithGlobals()))
  command
    .command('disable')
    .argument('<KEY>')
    .description('switch a campaign off; what waits is held, not lost')
    .option('--reason <TEXT>', 'why, for the audit')
    .action(async (key: string, _options, self: Command) => disable(key, self.optsWithGlobals()))
  return command
}

async function withCampaigns<T>(
  globals: Globals,
  use: (ports: CampaignPorts, opened: OpenedLedger, settings: Settings) => Promise<T>,
): Promise<T> {
  const { settings } = await loadFor(globals)
  const [{ wireLedger, wireCampaigns }, { systemClocks }] = await Promise.all([
    import('#app/wire.ts'),
    import('#app/clocks.ts'),
  ])
  const opened = await wireLedger(settings, systemClocks())
  try {
    const { ports, warnings } = await wireCampaigns(settings, opened)
    for (const warning of warnings) warn(globals, warning)
    return await use(ports, opened, settings)
  } finally {
    await opened.ledger.close()
  }
}

async function list(globals: Globals, key: string | null): Promise<void> {
  const { viewCampaigns } = await import('#control/campaigns.ts')
  await withCampaigns(globals, async (ports) => {
    const all = await viewCampaigns(ports)
    const views = key === null ? all : all.filter((view) => view.key === key)
    if (key !== null && views.length === 0) throw unknown(key, all)
    print(globals, { campaigns: views.map(viewJson) }, () =>
      key === null ? listText(globals, views) : showText(views),
    )
  })
}

async function enable(key: string, options: ReasonOptions): Promise<void> {
  if (!options.reason?.trim()) {
    throw new ForewarnError('usage', 'enabling a campaign needs a reason', { hint: 'add --reason "why"' })
  }
  const [{ enableCampaign, viewCampaigns }, { loadCampaign }] = await Promise.all([
    import('#control/campaigns.ts'),
    import('#settings/campaign-file.ts'),
  ])
  const by = await byFor(options, options.reason)
  await withCampaigns(options, async (ports, _opened, settings) => {
    const { campaign } = loadCampaign(settings.campaigns, key)
    await enableCampaign(ports, campaign, by)
    const views = (await viewCampaigns(ports)).filter((view) => view.key === key)
    print(options, { campaigns: views.map(viewJson) }, () => showText(views))
  })
}

/** Like the stop, this needs the ledger's address and nothing else. */
async function disable(key: string, options: ReasonOptions): Promise<void> {
  const [{ resolveLedgerAddress }, { wireControl }] = await Promise.all([
    import('#settings/ledger-address.ts'),
    import('#app/wire.ts'),
  ])
  const { database, warnings } = resolveLedgerAddress({ configFile: options.config })
  for (const warning of warnings) warn(options, warning)
  const by = await byFor(options, options.reason)
  const { ledger } = await wireControl(database)
  try {
    if ((await ledger.gates.read(key)) === null) {
      throw new ForewarnError(
        'campaign-unknown',
        `no campaign ${key} was ever enabled in the ledger ${ledger.address}`,
        {
          hint: 'a campaign that was never enabled is off',
        },
      )
    }
    const { gate } = await ledger.gates.close(key, by)
    print(options, { campaigns: [{ key, own: gate.state, effective: 'off', gate: gateJson(gate) }] }, () =>
      [`${key} is ${paint(options, 'red', 'off')}: no claim of it begins any more`, `  ledger: ${ledger.address}`].join(
        '\n',
      ),
    )
  } finally {
    await ledger.close()
  }
}

function unknown(key: string, all: readonly CampaignView[]): ForewarnError {
  const known = all.map((view) => view.key).join(', ') || 'none'
  return new ForewarnError('campaign-unknown', `there is no campaign ${key}`, { hint: `known campaigns: ${known}` })
}

function viewJson({ key, own, effective, gate, campaign, editionHash, edited }: CampaignView) {
  return {
    key,
    own,
    effective,
    edited,
    stages: campaign.stages,
    template: campaign.template,
    cron: campaign.schedule.cron,
    timeZone: campaign.timeZone,
    edition: editionHash,
    gate: gate === null ? null : gateJson(gate),
  }
}

function listText(globals: Globals, views: readonly CampaignView[]): string {
  if (views.length === 0) return 'There are no campaigns.'
  const rows = views.map((view) => [
    view.key,
    view.own,
    view.effective,
    view.edited ? 'edited' : '',
    view.campaign.stages.join(' '),
    view.campaign.template,
  ])
  const edited = views.some((view) => view.edited)
  const note = 'edited: the files differ from what was enabled; what was enabled is sent until it is enabled anew'
  return [
    table(['campaign', 'own', 'effective', '', 'stages', 'template'], rows),
    ...(edited ? [paint(globals, 'dim', note)] : []),
  ].join('\n')
}

function showText(views: readonly CampaignView[]): string {
  return views
    .map(({ key, own, effective, edited, gate, campaign, editionHash }) =>
      [
        `${key} is ${own}${own === effective ? '' : `, in effect ${effective}: everything is stopped`}${edited ? ' (edited since it was enabled)' : ''}`,
        ...(gate === null ? [] : [sinceText(gate)]),
        `  stages:   ${campaign.stages.join(' ')}, then ${campaign.graceDays} days of grace`,
        `  template: ${campaign.template}`,
        `  scans:    ${campaign.schedule.cron} (${campaign.schedule.timeZone})`,
        `  edition:  ${editionHash ?? 'never enabled'}`,
      ].join('\n'),
    )
    .join('\n')
}

function sinceText({ since, actor, reason }: Gate): string {
  return `  since:    ${isoInstant(since)} by ${actor}: ${reason}`
}
