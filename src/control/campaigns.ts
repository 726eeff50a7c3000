import type { Campaign } from '#core/campaign.ts'
import { ForewarnError } from '#core/errors.ts'
import type { CompiledTemplate, Edition } from '#core/letter.ts'
import { type By, everything, type Gate, type Ledger } from '#ledger/ledger.ts'

/** A campaign as operators see it: what the ledger holds, beside what the files say now. */
export interface CampaignView {
  readonly key: string
  /** Its own gate. */
  readonly own: 'on' | 'off'
  /** Off also while everything is stopped. */
  readonly effective: 'on' | 'off'
  readonly gate: Gate | null
  /** What is in force: as enabled, or as on file while it was never enabled. */
  readonly campaign: Campaign
  /** null: never enabled */
  readonly editionHash: string | null
  /** True when the files say something else than what was enabled, or are gone or broken. */
  readonly edited: boolean
}

export interface CampaignPorts {
  readonly ledger: Pick<Ledger, 'gates' | 'editions'>
  /** The campaigns on file that can be read. */
  readonly onFile: readonly Campaign[]
  /** Makes the edition of a campaign as the files say it now. Throws when the template does not compile. */
  readonly editionOf: (campaign: Campaign) => Promise<Edition>
}

/** All campaigns, on file or in the ledger, in order of key. */
export async function viewCampaigns(ports: CampaignPorts): Promise<CampaignView[]> {
  const gates = new Map((await ports.ledger.gates.list()).map((gate) => [gate.scope, gate]))
  const enabled = new Map((await ports.ledger.editions.all()).map((edition) => [edition.campaign.key, edition]))
  const onFile = new Map(ports.onFile.map((campaign) => [campaign.key, campaign]))
  const views: CampaignView[] = []
  for (const key of [...new Set([...onFile.keys(), ...enabled.keys()])].sort()) {
    const file = onFile.get(key)
    const edition = enabled.get(key)
    const campaign = edition?.campaign ?? file
    if (campaign === undefined) continue
    const gate = gates.get(key) ?? null
    const own = gate?.state ?? 'off'
    views.push({
      key,
      own,
      effective: gates.get(everything)?.state === 'on' ? own : 'off',
      gate,
      campaign,
      editionHash: edition?.hash ?? null,
      edited: edition !== undefined && (file === undefined || (await hashOnFile(ports, file)) !== edition.hash),
    })
  }
  return views
}

/** null: the files do not make an edition now. */
async function hashOnFile(ports: CampaignPorts, campaign: Campaign): Promise<string | null> {
  try {
    return (await ports.editionOf(campaign)).hash
  } catch (error) {
    if (error instanceof ForewarnError) return null
    throw error
  }
}

/** What the template needs and the campaign does not give, as sentences. */
export function missingStatements(campaign: Campaign, template: CompiledTemplate): string[] {
  const facts = Object.entries(template.facts)
    .filter(([name, { required }]) => required && !campaign.facts[name])
    .map(([name]) => `facts.${name} is missing: the template ${template.name} cannot answer its readers without it`)
  const stages = campaign.stages
    .filter((stage) => !template.stages.includes(stage))
    .map((stage) => `stages: the template ${template.name} has no words for ${stage}`)
  const locale = campaign.locales.default in template.messages
  const language = locale ? [] : [`locales.default: the template ${template.name} has no ${campaign.locales.default}`]
  return [...facts, ...stages, ...language]
}

/**
 * Enables a campaign as the files say it now: from here on this edition is sent, whatever happens to the files.
 * Throws ForewarnError `campaign-incomplete` when its statements are not complete; then nothing has changed.
 */
export async function enableCampaign(ports: CampaignPorts, campaign: Campaign, by: By): Promise<Gate> {
  const edition = await ports.editionOf(campaign)
  const missing = missingStatements(campaign, edition.template)
  if (missing.length > 0) {
    throw new ForewarnError(
      'campaign-incomplete',
      `campaign ${campaign.key} cannot be enabled: ${missing.join('; ')}`,
      {
        hint: 'complete the campaign file and enable it again',
      },
    )
  }
  return ports.ledger.editions.enable(edition, by)
}
