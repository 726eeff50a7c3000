import { expect, it } from 'vitest'
import { openLedger } from '#ledger/open.ts'

const refused = [
  'postgres://user:secret@db.example.com/forewarn',
  'postgresql:///forewarn',
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

it('says that PostgreSQL joins later', async () => {
  await expect(openLedger('postgres://db/forewarn', { mode: 'as-is' })).rejects.toThrow(/SQLite only; PostgreSQL/)
})
