import { basename, extname } from 'node:path'
import type { LoadedCampaigns } from './campaign-file.ts'
import { settingKeys } from './keys.ts'
import type { LoadedSettings } from './load.ts'
import { type Problem, SettingsError, shown } from './problem.ts'

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
  readonly rule: 'settings-invalid' | 'settings-doubtful' | 'campaign-invalid' | 'campaign-file-name'
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

/** What there is to tell of a folder of campaigns. */
export function checkCampaigns({ campaigns, problems }: LoadedCampaigns): SettingFinding[] {
  const misnamed = campaigns
    .filter(({ campaign, file }) => basename(file, extname(file)) !== campaign.key)
    .map(({ campaign, file }): SettingFinding => {
      const message = `the file holds the campaign ${campaign.key}`
      const fix = `Name it ${campaign.key}.yaml.`
      return { rule: 'campaign-file-name', level: 'warning', where: file, message, fix }
    })
  return [...problems.map((problem) => findingOf(problem, 'campaign-invalid')), ...misnamed]
}

function findingOf({ path, where, expected, message }: Problem, rule: SettingFinding['rule']): SettingFinding {
  const fix = path === '' ? `Make it ${expected}.` : `Make ${path} ${expected}.`
  return { rule, level: 'error', where, message, fix }
}
