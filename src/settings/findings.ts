import { existsSync, readdirSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import type { CampaignFile, LoadedCampaigns } from './campaign-file.ts'
import { settingKeys } from './keys.ts'
import type { LoadedSettings } from './load.ts'
import { nearest } from './nearest.ts'
import { type Problem, SettingsError, shown } from './problem.ts'
import { parseYaml } from './yaml-source.ts'

/** One effective setting as `config check` shows it. */
export interface SettingRow {
  readonly key: string
  /** Secrets masked. */
  readonly value: string
  /** `flag`, `environment NAME`, `file PATH:LINE` or `default` */
  readonly origin: string
}

/** Something that a check found, and what to do about it. */
export interface SettingFinding {
  readonly rule:
    | 'settings-invalid'
    | 'settings-doubtful'
    | 'campaign-invalid'
    | 'campaign-file-name'
    | 'template-missing'
  readonly level: 'error' | 'warning'
  readonly where: string
  readonly message: string
  readonly fix: string
}

/** What `config check` tells of settings that were loaded, or of the error that came instead. `ok`: no error among the findings. */
export function checkSettings(outcome: LoadedSettings | SettingsError): {
  readonly ok: boolean
  readonly settings: readonly SettingRow[]
  readonly findings: readonly SettingFinding[]
} {
  if (outcome instanceof SettingsError) {
    const findings = outcome.problems.map((problem) => findingOf(problem, 'settings-invalid'))
    return { ok: false, settings: [], findings }
  }
  const findings = outcome.warnings.map((message): SettingFinding => {
    const fix = 'Remove the variable, or give it a value.'
    return { rule: 'settings-doubtful', level: 'warning', where: 'environment', message, fix }
  })
  const settings = settingKeys.map(({ name }) => {
    return { key: name, value: shown(outcome.values[name]), origin: outcome.origins[name] ?? 'default' }
  })
  return { ok: true, settings, findings }
}

/** What there is to tell of a folder of campaigns, and of the folder of the templates that they name. */
export function checkCampaigns({ campaigns, problems }: LoadedCampaigns, templates: string): SettingFinding[] {
  const misnamed = campaigns
    .filter(({ campaign, file }) => basename(file, extname(file)) !== campaign.key)
    .map(({ campaign, file }): SettingFinding => {
      const message = `the file holds the campaign ${campaign.key}`
      const fix = `Name it ${campaign.key}.yaml.`
      return { rule: 'campaign-file-name', level: 'warning', where: file, message, fix }
    })
  const untold = campaigns.flatMap((campaign) => templateFinding(campaign, templates) ?? [])
  return [...problems.map((problem) => findingOf(problem, 'campaign-invalid')), ...untold, ...misnamed]
}

/** null: the template's folder is one. What is in it, the template's own check tells. */
function templateFinding({ campaign, file, text }: CampaignFile, templates: string): SettingFinding | null {
  const { template } = campaign
  if (existsSync(join(templates, template, templateManifest))) return null
  const where = parseYaml(text, file).locate(['template'])
  if (existsSync(join(templates, template))) {
    const message = `template: the folder ${join(templates, template)} has no ${templateManifest}`
    return { rule: 'template-missing', level: 'error', where, message, fix: `Add the ${templateManifest}.` }
  }
  const near = nearest(template, templatesIn(templates))
  const fix = near ? `Write ${near} instead, or add the folder.` : 'Add the folder, or correct the setting templates.'
  const message = `template: there is no template ${template} in ${templates}`
  return { rule: 'template-missing', level: 'error', where, message, fix }
}

/** By this file a folder is a template. */
const templateManifest = 'template.yaml'

function templatesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => existsSync(join(folder, name, templateManifest)))
  } catch {
    return []
  }
}

function findingOf({ where, message, fix }: Problem, rule: SettingFinding['rule']): SettingFinding {
  return { rule, level: 'error', where, message, fix }
}
