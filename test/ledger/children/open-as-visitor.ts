// Opens the ledger named by the first argument, when told to, as a user who owns nothing; answers with why it could not.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { ForewarnError } from '#core/errors.ts'
import { openLedger } from '#ledger/open.ts'
// All code is loaded while it may still be read.
import '#ledger/sqlite/sqlite-ledger.ts'

const nobody = 65_534

process.stdout.write('ready\n')
await once(createInterface({ input: process.stdin }), 'line')
if (process.getuid?.() === 0) {
  process.setgroups?.([])
  process.setgid?.(nobody)
  process.setuid?.(nobody)
}
try {
  const { ledger } = await openLedger(`file:${process.argv[2]}`, { mode: 'as-is' })
  await ledger.gates.read('*')
  process.stdout.write('could open it\n')
} catch (error) {
  process.stdout.write(error instanceof ForewarnError ? `${error.message}; ${error.hint}\n` : `${String(error)}\n`)
}
process.exit()
