import type { Clocks } from '#core/clock.ts'
import { ForewarnError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import { parseInstant } from '#core/parse-instant.ts'
import type { By } from '#ledger/ledger.ts'
import type { Log } from '#observe/observe.ts'
import type { LoadedSettings } from '#settings/load.ts'
import { type Globals, warn } from './output.ts'

/** Loads all settings as this command line says, and tells what is odd about them. */
export async function loadFor(globals: Globals): Promise<LoadedSettings> {
  const { loadSettings } = await import('#settings/load.ts')
  const loaded = loadSettings({ configFile: globals.config, flags: { 'log.level': globals.logLevel } })
  for (const warning of loaded.warnings) warn(globals, warning)
  return loaded
}

/** The log of a command: pretty at a terminal, JSON lines elsewhere. */
export async function logFor(globals: Globals, level: string): Promise<Log> {
  const { openLog } = await import('#observe/pino-log.ts')
  return openLog({ level, pretty: process.stderr.isTTY === true && !globals.json && globals.color })
}

/** Who acts, and why. */
export async function byFor(globals: Globals, reason: string | undefined): Promise<By> {
  const { resolveActor } = await import('#settings/actor.ts')
  const actor = resolveActor(globals.actor)
  if (actor.warning !== null) warn(globals, actor.warning)
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
    throw new ForewarnError(
      'at-in-future',
      `--at ${text} is more than an hour ahead: real people would be mailed early`,
      {
        hint: 'set AWS_ENDPOINT_URL_SES to the address of `forewarn inbox` to try later days',
      },
    )
  }
  return at
}
