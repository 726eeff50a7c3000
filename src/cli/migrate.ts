import { Command } from 'commander'
import { type Globals, print } from './output.ts'
import { withLedger } from './settings.ts'

/** `migrate`: brings the ledger up to date, or creates it. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description('create the ledger or bring it up to date (start, run and demo do so too)')
    .action(async (_options, self: Command) => migrate(self.optsWithGlobals()))
}

async function migrate(globals: Globals): Promise<void> {
  const ledger = await withLedger(globals, 'current', async (opened) => opened.ledger.address)
  print(globals, { ok: true, ledger }, () => `The ledger ${ledger} is up to date.`)
}
