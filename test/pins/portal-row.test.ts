import { describe, expect, it } from 'vitest'
import { FlawCount, readPortalRow } from '#pins/portal-row.ts'
import type { PinRecord } from '#pins/row.ts'

const least: PinRecord = { pin_id: 'P1', email: 'ann@example.com', expires_at: '2026-12-31T17:00:00Z' }

describe('readPortalRow', () => {
  it('takes no address for one, and never gives the stand-in', () => {
    for (const email of [null, '', ' ', 'nobody', 'a@b@c.example', 'Ann <ann@example.com>']) {
      expect(readPortalRow({ ...least, email, locale: '??' }).pin).toMatchObject({ email: null, locale: null })
    }
  })

  it('names every cell that it does without', () => {
    const bad = { email: 'x', name: 'a\nb', account_name: '\u202e', locale: '??', time_zone: 'MEZ+1' }
    const { pin, flaws } = readPortalRow({ ...least, ...bad })
    expect(pin).toMatchObject({ pinId: 'P1', email: null, name: null, accountName: null, locale: null, timeZone: null })
    expect(flaws.map(({ column, leftOut }) => [column, leftOut])).toEqual([
      ['email', false],
      ['account_name', false],
      ['name', false],
      ['locale', false],
      ['time_zone', false],
    ])
  })

  it.each([
    { pin_id: ' P1' },
    { expires_at: '2026-02-31T00:00:00Z' },
    { set_at: 'yesterday' },
    { version: 'v\u200b1' },
    { status: 'Active' },
    { kind: 'a\tb' },
    { account_id: 'A 1 ' },
  ])('does without the row of a bad %o, which says whether somebody is written to', (cells) => {
    const { pin, flaws } = readPortalRow({ ...least, ...cells })
    expect(pin).toBeNull()
    expect(flaws).toMatchObject([{ column: Object.keys(cells)[0], leftOut: true }])
  })

  it('says nothing of the value', () => {
    const [flaw] = readPortalRow({ ...least, expires_at: '2026-02-31T00:00:00Z' }).flaws
    expect(flaw?.reason).toBe('names a day that is none')
  })
})

it('counts flaws by column and reason', () => {
  const count = new FlawCount()
  for (const reason of ['a', 'b', 'a']) count.add({ column: 'email', reason, leftOut: false })
  count.add({ column: 'name', reason: 'a', leftOut: false })
  expect(count.list().map(({ column, reason, rows }) => [column, reason, rows])).toEqual([
    ['email', 'a', 2],
    ['email', 'b', 1],
    ['name', 'a', 1],
  ])
})
