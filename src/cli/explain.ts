import { Command } from 'commander'
import type { ExplainedEvent, Explanation } from '#control/explain.ts'
import { ForewarnError } from '#core/errors.ts'
import { isoInstant } from '#core/instant.ts'
import { isoOrNull, minuteText, secondText } from './instants.ts'
import { type Globals, print, table, visible } from './output.ts'
import { withLedger } from './settings.ts'

/** `explain PIN_ID|EMAIL|REFERENCE`: for the support desk. */
export function explainCommand(): Command {
  return new Command('explain')
    .argument('<PIN_ID|EMAIL|REFERENCE>')
    .description('everything that was decided about a PIN, a person or a mail, and why, in order')
    .action(async (asked: string, _options, self: Command) => tell(asked, self.optsWithGlobals()))
}

async function tell(asked: string, globals: Globals): Promise<void> {
  await withLedger(globals, 'existing', async (opened) => {
    const [{ pinSource }, { explain }] = await Promise.all([import('#app/wire.ts'), import('#control/explain.ts')])
    const { ledger, settings, clocks } = opened
    const explanation = await explain({ ledger, pins: pinSource(settings, opened), at: clocks.business() }, asked)
    if (explanation === null) throw unknown(asked)
    print(globals, explanationJson(asked, explanation), () => explanationText(asked, explanation))
  })
}

/** An address is not said again: errors are kept in more places than answers. */
function unknown(asked: string): ForewarnError {
  const isAddress = asked.includes('@')
  const what = isAddress ? 'this address' : `a PIN, a mail or a message called ${asked}`
  return new ForewarnError('not-found', `nothing is known of ${what}`, {
    hint: isAddress
      ? 'nothing was ever decided for it in this ledger'
      : 'give a PIN id in full, an address, or the reference at the foot of a mail (XXXX-XXXX-XXXX)',
  })
}

function explanationJson(subject: string, { events, truncated }: Explanation) {
  return {
    subject,
    events: events.map((event) => ({ ...event, at: isoInstant(event.at), until: isoOrNull(event.until) })),
    ...(truncated ? { truncated } : {}),
  }
}

const kinds: Readonly<Record<Explanation['kind'], string>> = { pin: 'PIN', recipient: 'Person', message: 'Mail' }

function explanationText(asked: string, { kind, events, truncated }: Explanation): string {
  const head = `${kinds[kind]} ${visible(asked)}`
  if (events.length === 0) return `${head}\nThe PIN is known, and no stage of it has come due: nothing was decided yet.`
  const reference = events.findLast((event) => event.reference !== null)?.reference
  const rows = events.map((event) => [
    event.what === 'waiting' ? 'now' : secondText(event.at),
    event.campaign,
    event.stage,
    ...(kind === 'pin' ? [] : [visible(event.pinId ?? '')]),
    event.what.replace('_', ' '),
    sentence(event),
  ])
  return [
    head,
    ...(truncated ? ['The newest only: there are older events.'] : []),
    '',
    table(['when', 'campaign', 'stage', ...(kind === 'pin' ? [] : ['PIN']), 'what', 'why'], rows),
    ...(reference ? ['', `What a mail said: forewarn messages show ${reference}`] : []),
  ].join('\n')
}

function sentence({ words, reason, until }: ExplainedEvent): string {
  const code = reason === null ? '' : ` (${visible(reason)})`
  return `${words}${code}${until === null ? '' : `; next try ${minuteText(until)}`}`
}
