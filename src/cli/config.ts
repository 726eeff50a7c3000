import { Command } from 'commander'
import { exitCode } from '#core/errors.ts'
import { type Globals, paint, print, table } from './output.ts'

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
  const [{ loadSettings }, { loadCampaigns }, { checkSettings, checkCampaigns }, { SettingsError }] = await Promise.all(
    [
      import('#settings/load.ts'),
      import('#settings/campaign-file.ts'),
      import('#settings/findings.ts'),
      import('#settings/problem.ts'),
    ],
  )
  const load = () => {
    try {
      return loadSettings({ configFile: globals.config, flags: { 'log.level': globals.logLevel } })
    } catch (error) {
      if (error instanceof SettingsError) return error
      throw error
    }
  }
  const outcome = load()
  const { settings, findings: own } = checkSettings(outcome)
  const campaigns = outcome instanceof SettingsError ? [] : checkCampaigns(loadCampaigns(outcome.settings.campaigns))
  const findings = [...own, ...campaigns]
  const ok = findings.every(({ level }) => level !== 'error')
  print(globals, { ok, settings, findings }, () => {
    const values = settings.map(({ key, value, origin }) => [key, value, origin])
    const lines = findings.map(({ level, where, message, fix }) => {
      const colour = level === 'error' ? 'red' : 'yellow'
      return `${paint(globals, colour, `${level}:`)} ${where}: ${message}${fix === '' ? '' : `\n  ${fix}`}`
    })
    const verdict = ok ? paint(globals, 'green', 'The settings are in order.') : ''
    return [values.length > 0 ? table(['setting', 'value', 'from'], values) : '', ...lines, verdict]
      .filter(Boolean)
      .join('\n')
  })
  return ok ? exitCode.done : exitCode.usage
}
