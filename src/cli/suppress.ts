import { Command } from 'commander'
import { parseAddress } from '#core/address.ts'
import { ForewarnError } from '#core/errors.ts'
import { isoInstant } from '#core/instant.ts'
import { secondText } from './instants.ts'
import { type Globals, print, table, visible } from './output.ts'
import { byFor, withLedger } from './settings.ts'

interface ReasonOptions extends Globals {
  readonly reason?: string
}

/** JSON lists hold at most so many items. */
const mostRows = 1_000

/** `suppress add|remove|list`: silences one address, whatever PINs it has. */
export function suppressCommand(): Command {
  const command = new Command('suppress').description('silence one address: no mail goes to it any more')
  command
    .command('add')
    .argument('<EMAIL>')
    .description('silence an address; reminders to it are decided as suppressed, also those that wait')
    .option('--reason <TEXT>', 'why, for the audit (required)')
    .action(async (email: string, _options, self: Command) => change('add', email, self.optsWithGlobals()))
  command
    .command('remove')
    .argument('<EMAIL>')
    .description('write to an address again, from the next stage on; what was suppressed stays so')
    .option('--reason <TEXT>', 'why, for the audit (required)')
    .action(async (email: string, _options, self: Command) => change('remove', email, self.optsWithGlobals()))
  command
    .command('list')
    .description('the silenced addresses, newest first')
    .action(async (_options, self: Command) => list(self.optsWithGlobals()))
  return command
}

async function change(what: 'add' | 'remove', email: string, options: ReasonOptions): Promise<void> {
  const address = addressOf(email)
  if (!options.reason?.trim()) {
    const subject = what === 'add' ? 'silencing an address' : 'writing to an address again'
    throw new ForewarnError('usage', `${subject} needs a reason`, { hint: 'add --reason "why"' })
  }
  const by = await byFor(options, options.reason)
  await withLedger(options, 'current', async ({ ledger }) => {
    const changed = await ledger.suppressions[what](address, by)
    const state = what === 'add' ? 'silenced' : 'written to'
    const words = changed ? `${visible(address)} is ${state} from now on` : `${visible(address)} was ${state} already`
    print(options, { email: address, suppressed: what === 'add', changed }, () => words)
  })
}

function addressOf(email: string): string {
  const parsed = parseAddress(email.trim())
  if ('problem' in parsed) throw new ForewarnError('usage', `the address ${parsed.problem}`)
  return parsed.address
}

async function list(globals: Globals): Promise<void> {
  await withLedger(globals, 'existing', async ({ ledger }) => {
    const rows = await ledger.suppressions.list(mostRows + 1)
    const truncated = rows.length > mostRows
    const suppressions = rows.slice(0, mostRows).map(({ address, reason, actor, since }) => {
      return { email: address, reason, actor, since: isoInstant(since) }
    })
    print(globals, { suppressions, ...(truncated ? { truncated } : {}) }, () => {
      if (rows.length === 0) return 'No address is silenced.'
      const cells = rows.slice(0, mostRows).map(({ address, reason, actor, since }) => {
        return [visible(address), secondText(since), visible(actor), visible(reason)]
      })
      const more = truncated ? ['', `The ${mostRows} newest only.`] : []
      return [table(['address', 'since', 'by', 'reason'], cells), ...more].join('\n')
    })
  })
}
