import { expect, it } from 'vitest'
import type { Pin } from '#core/pin.ts'
import type { PinCursor, PinQuery, PinTable } from '#pins/pins.ts'
import { dayMs, monday } from '../fixtures.ts'
import type { LedgerHarness } from '../harness.ts'
import { describeLedger } from './describe-ledger.ts'

const all: PinQuery = { kind: 'caller-pin', accounts: null, fromAt: 0, toAt: Number.MAX_SAFE_INTEGER }

export function pinTableConformance(harness: LedgerHarness): void {
  describeLedger('PIN table', harness, (current) => {
    it('gives back what was put in, members without a value too', async () => {
      const { pinTable } = current()
      const full: Pin = {
        ...pinOf('full'),
        name: 'Zoë',
        accountId: 'A-1',
        accountName: 'Ünïted',
        locale: 'de-CH',
        timeZone: 'Europe/Zurich',
        setAt: monday - dayMs,
        portalVersion: '7',
      }
      await pinTable.upsert([full, pinOf('bare')])
      expect(await pinTable.read(['full', 'bare'])).toEqual(
        new Map([
          ['full', full],
          ['bare', pinOf('bare')],
        ]),
      )
    })

    it('leaves PINs out that are gone', async () => {
      const { pinTable } = current()
      await pinTable.upsert([pinOf('a')])
      expect([...(await pinTable.read(['a', 'missing'])).keys()]).toEqual(['a'])
      expect(await pinTable.read([])).toEqual(new Map())
    })

    it('finds the PINs of a holder in any case of the address, by expiry', async () => {
      const { pinTable } = current()
      const ann = (pinId: string, email: string, expiresAt: number) => ({ ...pinOf(pinId, expiresAt), email })
      const late = ann('a', 'Ann@example.com', monday + dayMs)
      const early = ann('b', 'ann@EXAMPLE.com', monday)
      await pinTable.upsert([late, early, ann('c', 'bob@example.com', monday), { ...pinOf('d'), email: null }])
      expect(await pinTable.ofAddress('ANN@example.com')).toEqual([early, late])
      expect(await pinTable.ofAddress('nobody@example.com')).toEqual([])
    })

    it('replaces every member of a PIN that is there already', async () => {
      const { pinTable } = current()
      await pinTable.upsert([{ ...pinOf('a'), name: 'Ann', accountId: 'A-1', setAt: monday }, pinOf('b')])
      const next: Pin = { ...pinOf('a', monday + dayMs), kind: 'other', status: 'revoked', email: null }
      await pinTable.upsert([next])
      expect((await pinTable.read(['a'])).get('a')).toEqual(next)
      expect((await pinTable.read(['b'])).get('b')).toEqual(pinOf('b'))
    })

    it('takes a page whole or not at all', async () => {
      const { pinTable } = current()
      const broken = { ...pinOf('b'), expiresAt: null as unknown as number }
      await expect(pinTable.upsert([pinOf('a'), broken])).rejects.toThrow()
      expect(await pinTable.read(['a', 'b'])).toEqual(new Map())
    })

    it('pages in order of expiry, then id, also where many expire at the same instant', async () => {
      const { pinTable } = current()
      const pins = Array.from({ length: 25 }, (_, n) => pinOf(`p${String(n).padStart(2, '0')}`, monday + (n % 3)))
      await pinTable.upsert([...pins].reverse())
      const expected = [0, 1, 2].flatMap((rest) => pins.filter((_, n) => n % 3 === rest)).map((pin) => pin.pinId)
      for (const limit of [1, 2, 7, 25, 100]) expect(await pagedIds(pinTable, all, limit)).toEqual(expected)
    })

    it('asks for expiries from the first instant, before the last', async () => {
      const { pinTable } = current()
      await pinTable.upsert([pinOf('before', 99), pinOf('first', 100), pinOf('last', 199), pinOf('after', 200)])
      expect(await pagedIds(pinTable, { ...all, fromAt: 100, toAt: 200 }, 10)).toEqual(['first', 'last'])
    })

    it('gives the PINs of the kind and the accounts that were asked for', async () => {
      const { pinTable } = current()
      await pinTable.upsert([
        { ...pinOf('a'), accountId: 'A-1' },
        { ...pinOf('b'), accountId: 'A-2' },
        { ...pinOf('c'), accountId: 'A-3' },
        pinOf('d'),
        { ...pinOf('e'), accountId: 'A-1', kind: 'other' },
      ])
      expect(await pagedIds(pinTable, { ...all, accounts: ['A-1', 'A-3'] }, 1)).toEqual(['a', 'c'])
      expect(await pagedIds(pinTable, { ...all, accounts: [] }, 10)).toEqual([])
      expect(await pagedIds(pinTable, all, 10)).toEqual(['a', 'b', 'c', 'd'])
    })

    it('gives all ids in pages, each once, in one order', async () => {
      const { pinTable } = current()
      const ids = ['b', 'B', 'ä', 'a', 'a b', '10', '9', '\u{1f511}'].sort()
      await pinTable.upsert(ids.map((pinId) => ({ ...pinOf(pinId), kind: pinId })))
      const inOrder = await pinTable.ids(null, 100)
      expect(inOrder.toSorted()).toEqual(ids)
      for (const limit of [1, 3, 8]) expect(await allIds(pinTable, limit)).toEqual(inOrder)
      expect(await pinTable.ids(inOrder.at(-1) ?? '', 5)).toEqual([])
    })

    it('removes the PINs it is told, and counts those that were there', async () => {
      const { pinTable } = current()
      await pinTable.upsert([pinOf('a'), pinOf('b'), pinOf('c')])
      expect(await pinTable.remove([])).toBe(0)
      expect(await pinTable.remove(['a', 'missing', 'c'])).toBe(2)
      expect(await pinTable.remove(['a'])).toBe(0)
      expect(await pinTable.ids(null, 10)).toEqual(['b'])
      expect(await pagedIds(pinTable, all, 10)).toEqual(['b'])
    })

    it('takes a PIN back that was removed', async () => {
      const { pinTable } = current()
      await pinTable.upsert([pinOf('a')])
      await pinTable.remove(['a'])
      await pinTable.upsert([pinOf('a', monday + dayMs)])
      expect((await pinTable.read(['a'])).get('a')).toEqual(pinOf('a', monday + dayMs))
    })

    it('was never fresh while its only import has not come to its end', async () => {
      const { pinTable } = current()
      await pinTable.upsert([pinOf('a')])
      expect(await pinTable.refreshedAt()).toBe(0)
    })

    it('is as fresh as the latest beginning of an import that ended well', async () => {
      const { pinTable } = current()
      expect(await pinTable.refreshedAt()).toBeNull()
      await pinTable.markRefreshed(2000)
      await pinTable.markRefreshed(1000)
      expect(await pinTable.refreshedAt()).toBe(2000)
      await pinTable.markRefreshed(3000)
      expect(await pinTable.refreshedAt()).toBe(3000)
    })
  })
}

function pinOf(pinId: string, expiresAt: number = monday): Pin {
  return {
    pinId,
    expiresAt,
    kind: 'caller-pin',
    status: 'active',
    email: `${pinId}@example.com`,
    name: null,
    accountId: null,
    accountName: null,
    locale: null,
    timeZone: null,
    setAt: null,
    portalVersion: null,
  }
}

async function pagedIds(table: PinTable, query: PinQuery, limit: number): Promise<string[]> {
  const ids: string[] = []
  let after: PinCursor | null = null
  for (;;) {
    const page: Pin[] = await table.page(query, after, limit)
    ids.push(...page.map((pin) => pin.pinId))
    if (page.length < limit) return ids
    after = page.at(-1) ?? null
  }
}

async function allIds(table: PinTable, limit: number): Promise<string[]> {
  const ids: string[] = []
  for (let pages = 0; pages < 100; pages += 1) {
    const page = await table.ids(ids.at(-1) ?? null, limit)
    ids.push(...page)
    if (page.length < limit) return ids
  }
  throw new Error('the pages of ids never end')
}
