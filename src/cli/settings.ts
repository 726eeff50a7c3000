import type { Clocks } from '#core/clock.ts'
import { ForewarnError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import { parseInstant } from '#core/parse-instant.ts'
import type { By } from '#ledger/ledger.ts'
import type { OpenedLedger } from '#ledger/open.ts'
import type { Log } from '#observe/observe.ts'
import type { LoadedSettings, Settings } from '#settings/load.ts'
import { type Globals, wantsColour, warn } from './output.ts'

/** Loads all settings as this command line says, and tells what is odd about them. */
export async function loadFor(globals: Globals): Promise<LoadedSettings> {
  const { loadSettings } = await import('#settings/load.ts')
  const loaded = loadSettings({ configFile: globals.config, flags: { 'log.level': globals.logLevel } })
  for (const warning of loaded.warnings) warn(globals, warning)
  return loaded
}

/** What a command on a ledger has in hand. */
export interface AtLedger extends OpenedLedger {
  readonly settings: Settings
  readonly clocks: Clocks
}

/**
 * Opens the ledger for one command and closes it after. `existing` takes the ledger as it is, and creates none;
 * `current` creates it or brings it up to date.
 */
export async function withLedger<T>(
  globals: Globals,
  wanted: 'existing' | 'current',
  use: (at: AtLedger) => Promise<T>,
): Promise<T> {
  const { settings } = await loadFor(globals)
  const [{ wireLedger, wireReading }, { systemClocks }] = await Promise.all([
    import('#app/wire.ts'),
    import('#app/clocks.ts'),
  ])
  const clocks = systemClocks()
  const opened = await (wanted === 'existing' ? wireReading : wireLedger)(settings, clocks)
  try {
    return await use({ ...opened, settings, clocks })
  } finally {
    await opened.ledger.close()
  }
}

const levels = ['debug', 'info', 'warn', 'error']

/** The log of a command: pretty at a terminal, JSON lines elsewhere. Throws ForewarnError `usage`. */
export async function logFor(globals: Globals, level: string): Promise<Log> {
  if (!levels.includes(level)) {
    throw new ForewarnError('usage', `--log-level ${level} is no level`, { hint: `levels are ${levels.join(', ')}` })
  }
  const { openLog } = await import('#observe/pino-log.ts')
  return openLog({ level, pretty: process.stderr.isTTY === true, colour: wantsColour(globals, process.stderr) })
}

/** Who acts, and why. */
export async function byFor(
  globals: Globals,
  reason: string | undefined,
  tell: (warning: string) => void = (warning) => warn(globals, warning),
): Promise<By> {
  const { resolveActor } = await import('#settings/actor.ts')
  const actor = resolveActor(globals.actor)
  if (actor.warning !== null) tell(actor.warning)
  return { actor: actor.name, reason: reason?.trim() || 'not given' }
}

const aheadMs = 3_600_000

/**
 * Reads `--at`. More than an hour ahead is refused unless SES is a stand-in: real people would be mailed early.
 * Throws ForewarnError `usage` or `at-in-future`.
 */
export async function readAt(text: string | undefined, clocks: Clocks): Promise<Instant | undefined> {
  if (text === undefined) return undefined
  const parsed = parseInstant(text)
  if ('problem' in parsed) throw new ForewarnError('usage', `--at ${text} ${parsed.problem}`)
  const { at } = parsed
  const { sesStandIn } = await import('#settings/ses-stand-in.ts')
  if (at > clocks.wall() + aheadMs && sesStandIn() === null) {
    throw new ForewarnError('at-in-future', `--at ${text} is over an hour ahead: real people would be mailed early`, {
      hint: 'set AWS_ENDPOINT_URL_SES to the address of `forewarn inbox` to try later days',
    })
  }
  return at
}
