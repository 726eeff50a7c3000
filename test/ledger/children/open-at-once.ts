// Opens each ledger named on a line of standard input as soon as the line comes, and answers with a line.
import { createInterface } from 'node:readline'
import { openLedger } from '#ledger/open.ts'

process.stdout.write('ready\n')
for await (const address of createInterface({ input: process.stdin })) {
  const { ledger } = await openLedger(address, { mode: 'migrate' })
  const gate = await ledger.gates.read('*')
  await ledger.close()
  process.stdout.write(`${gate?.state} ${ledger.recipientKey('ann@example.com')}\n`)
}
