import { Command } from 'commander'
import { type Globals, print } from './output.ts'
import { loadFor } from './settings.ts'

/** `migrate`: brings the ledger up to date, or creates it. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description('create the ledger or bring it up to date (start, run and demo do so too)')
    .action(async (_options, self: Command) => migrate(self.optsWithGlobals()))
}

async function migrate(globals: Globals): Promise<void> {
  const { settings } = await loadFor(globals)
  const [{ wireLedger }, { systemClocks }] = await Promise.all([import('#app/wire.ts'), import('#app/clocks.ts')])
  const { ledger } = await wireLedger(settings, systemClocks())
  await ledger.close()
  print(globals, { ok: true, ledger: ledger.address }, () => `The ledger ${ledger.address} is up to date.`)
}
