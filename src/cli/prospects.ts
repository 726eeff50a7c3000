import type { wireProspects } from '#app/wire.ts'
import { ForewarnError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import { parseInstant } from '#core/parse-instant.ts'
import { untilAsked } from './ending.ts'
import { type Globals, warn } from './output.ts'
import { type AtLedger, withLedger } from './settings.ts'

/** Options of the commands that look ahead. */
export interface ProspectOptions extends Globals {
  readonly at?: string
  readonly campaign?: string
}

export interface Ahead extends Awaited<ReturnType<typeof wireProspects>> {
  readonly at: Instant
  readonly settings: AtLedger['settings']
  readonly signal: AbortSignal
}

/**
 * Reads all that looking ahead needs, for one command that writes nothing. Tells what a run would refuse, and what is
 * wrong with campaign files. Throws ForewarnError: `usage`, `campaign-unknown`, `campaign-invalid`, `interrupted`.
 */
export async function withProspects(options: ProspectOptions, use: (ahead: Ahead) => Promise<void>): Promise<void> {
  const given = options.at === undefined ? undefined : readInstant(options.at)
  await withLedger(options, 'existing', async (opened) => {
    const { settings, clocks } = opened
    const { wireProspects } = await import('#app/wire.ts')
    const wired = await wireProspects(settings, opened, clocks)
    for (const warning of wired.warnings) warn(options, warning)
    if (wired.stale) warn(options, 'the last import of PINs is too old (portal.maxAge): a run would refuse to send')
    await mustBeKnown(options.campaign, wired, settings.campaigns)

    const { signal } = untilAsked()
    try {
      await use({ ...wired, settings, signal, at: given ?? clocks.business() })
    } catch (error) {
      if (!signal.aborted) throw error
      throw new ForewarnError('interrupted', 'it was interrupted before it was done', { cause: error })
    }
  })
}

/** Any instant will do: nobody is written to. */
function readInstant(text: string): Instant {
  const parsed = parseInstant(text)
  if ('problem' in parsed) throw new ForewarnError('usage', `--at ${text} ${parsed.problem}`)
  return parsed.at
}

async function mustBeKnown(
  key: string | undefined,
  { prospects }: Pick<Ahead, 'prospects'>,
  folder: string,
): Promise<void> {
  if (key === undefined || prospects.some(({ campaign }) => campaign.key === key)) return
  const { loadCampaign } = await import('#settings/campaign-file.ts')
  // It throws, and says whether its file is broken or there is none.
  loadCampaign(folder, key)
}
