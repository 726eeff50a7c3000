import { Command } from 'commander'
import { exitCode } from '#core/errors.ts'
import type { SettingFinding, SettingRow } from '#settings/findings.ts'
import type { LoadedSettings } from '#settings/load.ts'
import { type Globals, paint, print, table, visible, visibleLines } from './output.ts'

/** `config check`: each setting, where it came from, and what is wrong. */
export function configCommand(end: (code: number) => void): Command {
  const command = new Command('config').description('settings')
  command
    .command('check')
    .description('show each setting and where it came from; name everything that is wrong')
    .action(async (_options, self: Command) => end(await check(self.optsWithGlobals())))
  return command
}

async function check(globals: Globals): Promise<number> {
  const { checkSettings, checkCampaigns } = await import('#settings/findings.ts')
  const { SettingsError } = await import('#settings/problem.ts')
  const outcome = await loadOrFault(globals)
  const { settings, findings: own } = checkSettings(outcome)
  const loaded = outcome instanceof SettingsError ? null : outcome
  const inCampaigns = loaded === null ? [] : checkCampaigns(await campaignsOf(loaded), loaded.settings.templates)
  const findings = [...own, ...inCampaigns]
  const ok = findings.every(({ level }) => level !== 'error')
  print(globals, { ok, settings, findings }, () =>
    [
      ...(settings.length > 0 ? settingLines(settings, loaded?.file ?? null) : []),
      ...findings.map((finding) => findingText(globals, finding)),
      ...(ok ? [paint(globals, 'green', 'The settings are in order.')] : []),
    ].join('\n'),
  )
  return ok ? exitCode.done : exitCode.usage
}

async function loadOrFault(globals: Globals) {
  const [{ loadSettings }, { SettingsError }] = await Promise.all([
    import('#settings/load.ts'),
    import('#settings/problem.ts'),
  ])
  try {
    return loadSettings({ configFile: globals.config, flags: { 'log.level': globals.logLevel } })
  } catch (error) {
    if (error instanceof SettingsError) return error
    throw error
  }
}

async function campaignsOf({ settings }: LoadedSettings) {
  const { loadCampaigns } = await import('#settings/campaign-file.ts')
  return loadCampaigns(settings.campaigns)
}

/** The file is named once, and its lines by their numbers. */
function settingLines(settings: readonly SettingRow[], file: string | null): string[] {
  const rows = settings.map(({ key, value, origin }) => {
    const inFile = file !== null && origin.startsWith(`file ${file}:`)
    return [key, visible(plainValue(value)), inFile ? `line ${origin.slice(`file ${file}:`.length)}` : visible(origin)]
  })
  return [`file: ${file ?? 'none; all are defaults'}`, '', table(['setting', 'value', 'from'], rows), '']
}

/** A text without the quotes of its JSON; a long one was cut, and is JSON no more. */
function plainValue(value: string): string {
  try {
    const parsed: unknown = JSON.parse(value)
    return typeof parsed === 'string' ? parsed : value
  } catch {
    return value.replace(/^"/, '')
  }
}

function findingText(globals: Globals, { level, where, message, fix }: SettingFinding): string {
  const head = paint(globals, level === 'error' ? 'red' : 'yellow', `${level}:`)
  return `${head} ${visible(where)}: ${visibleLines(message)}${fix === '' ? '' : `\n  ${visible(fix)}`}`
}
