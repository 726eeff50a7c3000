import { ForewarnError } from '#core/errors.ts'
import { everything, type Gate, type Ledger } from '#ledger/ledger.ts'
import type { OpenedLedger } from '#ledger/open.ts'
import type { Globals } from './output.ts'

/** Needs the ledger's address and nothing else: everything that is wrong besides is a warning. */
export async function openForControl(globals: Globals, tell: (warning: string) => void): Promise<OpenedLedger> {
  const [{ resolveLedgerAddress }, { wireControl }] = await Promise.all([
    import('#settings/ledger-address.ts'),
    import('#app/wire.ts'),
  ])
  const { database, warnings } = resolveLedgerAddress({ configFile: globals.config })
  for (const warning of warnings) tell(warning)
  return wireControl(database)
}

/** Throws ForewarnError `ledger-unusable`. */
export async function gateOfEverything(ledger: Pick<Ledger, 'gates' | 'address'>): Promise<Gate> {
  const gate = await ledger.gates.read(everything)
  if (gate !== null) return gate
  throw new ForewarnError('ledger-unusable', `the ledger ${ledger.address} has no gate: it counts as closed`)
}
