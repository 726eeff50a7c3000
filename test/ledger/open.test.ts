import { expect, it } from 'vitest'
import { openLedger } from '#ledger/open.ts'

const refused = [
  'postgres://user:secret@db.example.com:port/forewarn',
  'postgres://user:secret@db.example.com/forewarn?search_path=a,b',
  'postgresql://user:secret@db.example.com/forewarn?options=-c%20search_path%3Dpg_catalog',
  'mysql://db/x',
  'file:',
  '',
]

for (const address of refused) {
  it(`refuses the address '${address}' without showing it`, async () => {
    const error: unknown = await openLedger(address, { mode: 'migrate' }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'ForewarnError', code: 'usage', path: 'database' })
    expect(String(error)).not.toContain('secret')
  })
}
