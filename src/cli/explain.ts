import { Command } from 'commander'
import type { Explanation } from '#control/explain.ts'
import type { ExplainedEvent } from '#control/explain-events.ts'
import { ForewarnError } from '#core/errors.ts'
import { isoInstant } from '#core/instant.ts'
import type { Pin } from '#core/pin.ts'
import { isoOrNull, minuteText, secondText } from './instants.ts'
import { facts, type Globals, print, table, visible } from './output.ts'
import { withLedger } from './settings.ts'

/** `explain PIN_ID|EMAIL|REFERENCE`: for the support desk. */
export function explainCommand(): Command {
  return new Command('explain')
    .argument('<PIN_ID|EMAIL|REFERENCE>')
    .description('everything that was decided about a PIN, a person or a mail, and why, in order')
    .action(async (asked: string, _options, self: Command) => tell(asked, self.optsWithGlobals()))
}

async function tell(asked: string, globals: Globals): Promise<void> {
  if (asked.trim() === '') throw new ForewarnError('usage', 'a PIN id, an address or a reference is expected')
  await withLedger(globals, 'existing', async (opened) => {
    const [{ pinSource }, { nextTickOf }, { explain }] = await Promise.all([
      import('#app/wire.ts'),
      import('#app/scan-ticks.ts'),
      import('#control/explain.ts'),
    ])
    const { ledger, settings, clocks } = opened
    // Opened when asked: a portal that is down must not keep back what the ledger knows.
    let source: ReturnType<typeof pinSource> | undefined
    const portal = () => {
      source ??= pinSource(settings, opened)
      return source
    }
    const explanation = await explain(
      {
        ledger,
        pins: {
          read: async (ids) => (await portal()).read(ids),
          ofAddress: async (address) => (await portal()).ofAddress(address),
        },
        rate: settings.mail.rate,
        nextTick: nextTickOf,
        at: clocks.business(),
      },
      asked,
    )
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

function explanationJson(subject: string, { pins, events, truncated }: Explanation) {
  return {
    subject,
    pins:
      pins?.map(({ pinId, status, setAt, expiresAt }) => {
        return { pinId, status, setAt: isoOrNull(setAt), expiresAt: isoInstant(expiresAt) }
      }) ?? null,
    events: events.map((event) => ({ ...event, at: isoInstant(event.at), until: isoOrNull(event.until) })),
    ...(truncated ? { truncated } : {}),
  }
}

const kinds: Readonly<Record<Explanation['kind'], string>> = {
  pin: 'About PIN',
  recipient: 'About',
  message: 'About mail',
}

function explanationText(asked: string, { kind, pins, events, truncated }: Explanation): string {
  const head = [`${kinds[kind]} ${visible(asked)}`, ...pinLines(kind, pins)].join('\n')
  if (events.length === 0) return `${head}\nIt is known; nothing was decided about it, and nothing is to come.`
  const reference = events.findLast(({ what }) => what === 'sent' || what === 'in_doubt')?.reference
  const rows = events.map((event) => [
    event.what === 'waiting' ? 'now' : event.what === 'next' ? minuteText(event.at) : secondText(event.at),
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

const pinsShown = 10
const noAnswer = '  The portal gave no answer: how it stands now, and what comes next, cannot be said.'

const statuses: Readonly<Record<Pin['status'], string>> = {
  active: 'in use',
  revoked: 'revoked by the portal',
  none: 'never set by its holder',
}

function pinLines(kind: Explanation['kind'], pins: readonly Pin[] | null): string[] {
  if (pins === null) return [noAnswer]
  if (pins.length === 0) return kind === 'pin' ? ['  The portal does not have it any more.'] : []
  const more = pins.length > pinsShown ? [`  and ${pins.length - pinsShown} more PINs`] : []
  return [...facts(pins.slice(0, pinsShown).map(pinFact)), ...more]
}

function pinFact({ pinId, status, setAt, expiresAt }: Pin): [name: string, value: string] {
  const set = setAt === null ? '' : `, set ${minuteText(setAt)}`
  return [`PIN ${visible(pinId)}`, `${statuses[status]}${set}, expires ${minuteText(expiresAt)}`]
}

function sentence({ words, reason, until }: ExplainedEvent): string {
  const code = reason === null ? '' : ` (${visible(reason)})`
  return `${words}${code}${until === null ? '' : `; next try ${minuteText(until)}`}`
}
