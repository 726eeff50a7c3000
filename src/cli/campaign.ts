import { Command } from 'commander'
import type { CampaignPorts, CampaignView } from '#control/campaigns.ts'
import { ForewarnError } from '#core/errors.ts'
import type { Ledger } from '#ledger/ledger.ts'
import { openForControl } from './control-ledger.ts'
import { gateJson, sinceFacts } from './gate-view.ts'
import { counted, facts, type Globals, paint, print, table, warn } from './output.ts'
import { byFor, withLedger } from './settings.ts'

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
    .option('--reason [TEXT]', 'why, for the audit')
    .action(async (key: string, _options, self: Command) => disable(key, self.optsWithGlobals()))
  return command
}

async function list(globals: Globals, key: string | null): Promise<void> {
  await withLedger(globals, 'existing', async (opened) => {
    const ports = await portsFor(globals, opened)
    const { viewCampaigns } = await import('#control/campaigns.ts')
    const all = await viewCampaigns(ports)
    const views = key === null ? all : all.filter((view) => view.key === key)
    if (key !== null && views.length === 0) throw unknown(key, all)
    print(globals, { campaigns: views.map(viewJson) }, () =>
      key === null ? listText(globals, views) : views.map((view) => showText(globals, view)).join('\n'),
    )
  })
}

async function enable(key: string, options: ReasonOptions): Promise<void> {
  if (!options.reason?.trim()) {
    throw new ForewarnError('usage', 'enabling a campaign needs a reason', { hint: 'add --reason "why"' })
  }
  const by = await byFor(options, options.reason)
  await withLedger(options, 'current', async (opened) => {
    const [{ enableCampaign, viewCampaigns }, { loadCampaign }] = await Promise.all([
      import('#control/campaigns.ts'),
      import('#settings/campaign-file.ts'),
    ])
    const { campaign } = loadCampaign(opened.settings.campaigns, key)
    const ports = await portsFor(options, opened)
    await enableCampaign(ports, campaign, by)
    const views = (await viewCampaigns(ports)).filter((view) => view.key === key)
    print(options, { campaigns: views.map(viewJson) }, () => views.map((view) => showText(options, view)).join('\n'))
  })
}

async function portsFor(
  globals: Globals,
  opened: Parameters<Parameters<typeof withLedger>[2]>[0],
): Promise<CampaignPorts> {
  const { wireCampaigns } = await import('#app/wire.ts')
  const { ports, warnings } = await wireCampaigns(opened.settings, opened)
  for (const warning of warnings) warn(globals, warning)
  return ports
}

/** Like the stop, this needs the ledger's address and nothing else. */
async function disable(
  key: string,
  options: Omit<ReasonOptions, 'reason'> & { reason?: string | true },
): Promise<void> {
  const by = await byFor(options, options.reason === true ? undefined : options.reason)
  const { ledger } = await openForControl(options, (warning) => warn(options, warning))
  try {
    if ((await ledger.gates.read(key)) === null) throw neverEnabled(key, ledger.address)
    const { gate, inFlight } = await ledger.gates.close(key, by)
    const { stages, template } = await asEnabled(ledger, key)
    const view = { key, own: gate.state, effective: 'off', stages, template, gate: gateJson(gate) }
    print(options, { campaigns: [view] }, () =>
      [
        `${key} is ${paint(options, 'red', 'off')}: no call to SES begins for it any more`,
        ...facts([
          ['ledger', ledger.address],
          ...sinceFacts(gate),
          ['in flight', `${counted(inFlight.length, 'call')} when it was switched off`],
        ]),
      ].join('\n'),
    )
  } finally {
    await ledger.close()
  }
}

/** What a ledger of another version does not tell is left out: the campaign is off all the same. */
async function asEnabled(ledger: Pick<Ledger, 'editions'>, key: string) {
  try {
    const edition = await ledger.editions.current(key)
    return { stages: edition?.campaign.stages ?? [], template: edition?.campaign.template ?? null }
  } catch {
    return { stages: [], template: null }
  }
}

function neverEnabled(key: string, address: string): ForewarnError {
  return new ForewarnError('campaign-unknown', `no campaign ${key} was ever enabled in the ledger ${address}`, {
    hint: 'a campaign that was never enabled is off; `forewarn campaign list` shows all',
  })
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
    view.key + (view.edited ? ' (edited)' : ''),
    isText(globals, view),
    view.campaign.stages.join(' '),
    view.campaign.template,
  ])
  const notes = [
    ...(views.some(isHeldBack) ? ['Everything is stopped: `forewarn switch status` says since when and why.'] : []),
    ...(views.some(({ edited }) => edited) ? [editedNote] : []),
  ]
  return [
    table(['campaign', 'is', 'stages', 'template'], rows),
    ...notes.map((note) => paint(globals, 'dim', note)),
  ].join('\n')
}

const editedNote =
  'Edited: the files differ from what was enabled. What was enabled is sent until the campaign is enabled anew.'

/** On by itself, and off since everything is. */
function isHeldBack({ own, effective }: Pick<CampaignView, 'own' | 'effective'>): boolean {
  return own !== effective
}

function isText(globals: Globals, view: CampaignView): string {
  if (isHeldBack(view)) return paint(globals, 'red', 'on, stopped')
  return view.own === 'on' ? paint(globals, 'green', 'on') : 'off'
}

function showText(globals: Globals, view: CampaignView): string {
  const { key, edited, gate, campaign, editionHash } = view
  const { stages, graceDays, schedule, template } = campaign
  const grace = stages.includes('expired') ? `; "expired" goes out for ${counted(graceDays, 'day')}` : ''
  return [
    `${key} is ${isText(globals, view)}`,
    ...facts([
      ...(gate === null ? [] : sinceFacts(gate)),
      ['stages', `${stages.join(' ')}${grace}`],
      ['template', template],
      ['scans', `${schedule.cron} (${schedule.timeZone})`],
      ['edition', editionHash ?? 'none: it was never enabled'],
    ]),
    ...(isHeldBack(view) ? ['Everything is stopped: `forewarn switch status` says since when and why.'] : []),
    ...(edited ? [editedNote] : []),
  ].join('\n')
}
