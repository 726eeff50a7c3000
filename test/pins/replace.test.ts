import { appendFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pin } from '#core/pin.ts'
import type { LeaseBook } from '#ledger/ledger.ts'
import { type ImportOptions, type ImportProgress, importPins, type Replacing } from '#pins/import.ts'
import { sqliteHarness } from '../ledger/sqlite-harness.ts'
import { errorOf, type Imported } from './imported.ts'
import { MemoryPinTable } from './memory-pin-table.ts'

const header = 'pin_id,email,expires_at,name'
const good = (id: string, name = ''): string => `${id},ann@example.com,2026-12-31T17:00:00Z,${name}`
const csv = (...rows: string[]): string => [header, ...rows, ''].join('\n')
const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => `P${n + 1}`)
const rows = (...names: string[]): string[] => names.map((id) => good(id))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarn-replace-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

type More = Partial<Omit<ImportOptions, 'replace'>> & Partial<Replacing>

let files = 0
async function fileOf(content: string | Buffer, extension = 'csv'): Promise<string> {
  files += 1
  const file = join(folder, `pins-${files}.${extension}`)
  await writeFile(file, content)
  return file
}

/** Replaces what a table holds by a file of this content. */
async function replaceBy(
  table: MemoryPinTable,
  content: string | Buffer,
  { evenMany = false, leases = freeLeases(), waitMs = 0, onWait = () => {}, ...more }: More = {},
): Promise<Imported> {
  const file = await fileOf(content, more.format)
  const replace = { evenMany, leases, waitMs, onWait }
  const report = await importPins({ file, table, startedAt: 2_000, replace, ...more })
  return { ...report, table, ids: [...table.pins.keys()] }
}

/** A table that an earlier import has filled with these PINs. */
async function tableOf(...pinIds: string[]): Promise<MemoryPinTable> {
  const table = new MemoryPinTable()
  await importPins({ file: await fileOf(csv(...rows(...pinIds))), table, startedAt: 1_000 })
  return table
}

function freeLeases(): Pick<LeaseBook, 'acquire' | 'release'> {
  return { acquire: async () => true, release: async () => {} }
}

describe('importPins that replaces', () => {
  it('removes the PINs that the file does not hold, and no other', async () => {
    const table = await tableOf(...ids(10))
    const { removed, accepted, ids: left } = await replaceBy(table, csv(...rows(...ids(8), 'N1')))
    expect({ removed, accepted, left }).toEqual({ removed: 2, accepted: 9, left: [...ids(8), 'N1'] })
    expect(await table.refreshedAt()).toBe(2_000)
  })

  it('removes nobody, and says nothing of it, when it was not asked to', async () => {
    const table = await tableOf('P1', 'P2')
    const file = await fileOf(csv(good('P1')))
    expect((await importPins({ file, table, startedAt: 2_000 })).removed).toBeNull()
    expect([...table.pins.keys()]).toEqual(['P1', 'P2'])
  })

  it('fills an empty table', async () => {
    expect(await replaceBy(new MemoryPinTable(), csv(good('P1')))).toMatchObject({ removed: 0, ids: ['P1'] })
  })

  it('removes in small pages, so that a stop need not wait', async () => {
    const { removed, table } = await replaceBy(await tableOf(...ids(700)), csv(good('P1')), { evenMany: true })
    expect(removed).toBe(699)
    expect(table.removedPages).toEqual([250, 250, 199])
  })
})

describe('importPins that would remove more than a fifth', () => {
  it('refuses before anything is written', async () => {
    const table = await tableOf(...ids(10))
    const error = await errorOf(replaceBy(table, csv(...rows(...ids(7)), good('N1'))))
    expect(error).toMatchObject({
      code: 'replace-too-much',
      exitCode: 3,
      message:
        '3 of the 10 PINs in the table are not in this file and would be removed, more than 20 %; nothing was written.',
      hint: 'If they are really gone, add --yes.',
    })
    expect([...table.pins.keys()]).toEqual(ids(10))
    expect(await table.refreshedAt()).toBe(1_000)
  })

  it('does not refuse at a fifth, nor when told that it is right', async () => {
    expect(await replaceBy(await tableOf(...ids(10)), csv(...rows(...ids(8))))).toMatchObject({ removed: 2 })
    const told = await replaceBy(await tableOf(...ids(10)), csv(good('P1')), { evenMany: true })
    expect(told).toMatchObject({ removed: 9, ids: ['P1'] })
  })

  it('counts against what the table holds, not against the file', async () => {
    const many = Array.from({ length: 100 }, (_, n) => good(`N${n}`))
    const error = await errorOf(replaceBy(await tableOf(...ids(4)), csv(...rows(...ids(3)), ...many)))
    expect(error.code).toBe('replace-too-much')
  })

  it('says on a dry run how many would go, and writes nothing', async () => {
    const table = await tableOf(...ids(10))
    const report = await replaceBy(table, csv(good('P1'), good('N1')), { dryRun: true })
    expect(report).toMatchObject({ accepted: 2, removed: 9, ids: ids(10) })
    expect(report.warnings).toEqual([
      '9 of the 10 PINs in the table are not in this file and would be removed, more than 20 %; that would need --yes.',
    ])
    expect(await table.refreshedAt()).toBe(1_000)
    const few = await replaceBy(table, csv(...rows(...ids(9))), { dryRun: true })
    expect(few).toMatchObject({ removed: 1, warnings: [] })
  })
})

describe('a rejected row keeps its PIN', () => {
  // biome-ignore format: one case a line
  const cases: [what: string, row: string | Buffer, format?: 'ndjson'][] = [
    ['with a bad address', 'P2,nobody,2026-12-31T17:00:00Z,'],
    ['with a bad date', 'P2,ann@example.com,tomorrow,'],
    ['with a space before its id', ' P2,ann@example.com,2026-12-31T17:00:00Z,'],
    ['with a cell too many', good('P2', 'Lee, Ann')],
    ['with a cell too few', 'P2,ann@example.com'],
    ['with an id out of its place', `x,${good('P2')}`],
    ['with a quote that is never closed', good('P2', '"Ann')],
    ['with a quote before its id', `"${good('P2')}`],
    ['with a quote in a cell', good('P2', 'Ann "Lee"')],
    ['in Latin-1', Buffer.from(good('P2', 'Jürgen'), 'latin1')],
    ['that a quote has drawn into another row', `${good('P9', '"open')}\n${good('P2')}\n${good('P9', '",x')}`],
    ['that a quote has drawn into a cell', `${good('P9', '"open')}\n${good('P2')}\n"`],
    ['beyond 64 KiB', good('P2', 'x'.repeat(70_000))],
    ['of many lines beyond 64 KiB', `"${'y\n'.repeat(32_700)}",${good('P2', 'x'.repeat(300))}`],
    ['that is half an object', '{"pin_id":"P2","email":', 'ndjson'],
    ['that is an array', '["P2"]', 'ndjson'],
    ['that names a member twice', '{"pin_id":"P2","email":"a@example.com","email":"b@example.com"}', 'ndjson'],
    ['with a nested value', '{"pin_id":"P2","email":{}}', 'ndjson'],
    ['beyond 64 KiB, in JSON', `{"pin_id":"P2","name":"${'x'.repeat(70_000)}"}`, 'ndjson'],
  ]
  it.each(cases)('%s', async (_, row, format) => {
    const table = await tableOf('P1', 'P2')
    const before = table.pins.get('P2')
    const sound =
      format === 'ndjson' ? '{"pin_id":"P1","email":"a@example.com","expires_at":"2026-12-31T17:00:00Z"}' : good('P1')
    const start = format === 'ndjson' ? sound : `${header}\n${sound}`
    const content = Buffer.concat([Buffer.from(`${start}\n`), Buffer.from(row), Buffer.from('\n')])
    const { removed, rejectedTotal, warnings } = await replaceBy(table, content, {
      evenMany: true,
      ...(format === undefined ? {} : { format }),
    })
    expect(rejectedTotal).toBeGreaterThan(0)
    expect({ removed, warnings }).toEqual({ removed: 0, warnings: [] })
    expect(table.pins.get('P2')).toEqual(before)
  })

  it('whose id has a space or colon, or is a bare number', async () => {
    const odd = await replaceBy(await tableOf('P1', 'A 2:b'), csv(good('P1'), 'A 2:b,cut off'), { evenMany: true })
    expect(odd.removed).toBe(0)
    const sound = '{"pin_id":"P1","email":"a@example.com","expires_at":"2026-12-31T17:00:00Z"}'
    const number = await replaceBy(await tableOf('P1', '12'), `${sound}\n{"pin_id": 12, "email":`, {
      evenMany: true,
      format: 'ndjson',
    })
    expect(number.removed).toBe(0)
  })

  it('that a quote has drawn into a cell which is not read, and nobody could tell', async () => {
    const noted = [`note,${header}`, `"open,${good('P1')}`, `x",${good('P2')}`, ''].join('\n')
    const { accepted, removed } = await replaceBy(await tableOf('P1', 'P2'), noted, { evenMany: true })
    expect({ accepted, removed }).toEqual({ accepted: 1, removed: 0 })
  })

  it('when its id can be read; else it is told that the PIN may be among those removed', async () => {
    const { removed, warnings } = await replaceBy(await tableOf('P1', 'P2'), csv(good('P1'), '???'), { evenMany: true })
    expect(removed).toBe(1)
    expect(warnings).toEqual([
      'Rejected rows in which no known pin_id can be read: 1. Their PINs may be among those removed.',
    ])
  })
})

describe('nobody is removed', () => {
  it.each([
    ['a header alone', csv()],
    ['rows that are all bad', csv('P9,nobody,2026-12-31T17:00:00Z,')],
  ])('by %s, also when told that it is right', async (_, content) => {
    for (const told of [{}, { evenMany: true }, { dryRun: true }]) {
      const table = await tableOf('P1', 'P2')
      const report = await replaceBy(table, content, told)
      expect(report).toMatchObject({ accepted: 0, removed: 0, ids: ['P1', 'P2'] })
      expect(report.warnings).toContain('No PIN was removed: a file without one good row replaces nothing.')
      expect(await table.refreshedAt()).toBe(1_000)
    }
  })

  it.each([
    ['an empty file', ''],
    ['gzip', gzipSync(csv(good('P1')))],
    ['a header without a required column', 'pin_id,email\nP1,ann@example.com\n'],
  ])('by %s', async (_, content) => {
    const table = await tableOf('P1', 'P2')
    expect((await errorOf(replaceBy(table, content, { evenMany: true }))).code).toBe('input-unreadable')
    expect(table.pins.size).toBe(2)
  })

  it.each<[string, ImportProgress['phase'], (file: string) => Promise<void>]>([
    ['is cut while it is checked', 'ahead', (file) => truncate(file, 200_000)],
    ['is cut while its rows are taken', 'rows', (file) => truncate(file, 200_000)],
    ['grows while its rows are taken', 'rows', (file) => appendFile(file, `${good('P9999')}\n`)],
  ])('by a file that %s', async (_, phase, change) => {
    const table = await tableOf('gone', 'P1')
    const file = await fileOf(csv(...rows(...ids(20_000))))
    let changed: Promise<void> | undefined
    const onProgress = (progress: ImportProgress): void => {
      if (progress.phase === phase) changed ??= change(file)
    }
    const replace = { evenMany: true, leases: freeLeases() }
    const error = await errorOf(importPins({ file, table, startedAt: 2_000, replace, onProgress }))
    await changed
    expect(error.message).toContain('changed while it was read')
    if (phase === 'rows')
      expect(error.message).toMatch(/\d+ PINs before that have been imported and stay\. No PINs were removed\.$/)
    expect(table.pins.has('gone')).toBe(true)
    expect(await table.refreshedAt()).toBe(1_000)
  })

  it('by an import that was interrupted, which says what stays', async () => {
    const table = await tableOf('gone', ...ids(10))
    const ending = new AbortController()
    const onProgress = ({ phase }: ImportProgress): void => {
      if (phase === 'rows') ending.abort()
    }
    const work = replaceBy(table, csv(...rows(...ids(20_000))), { signal: ending.signal, onProgress })
    const error = await errorOf(work)
    expect(error.code).toBe('interrupted')
    expect(error.message).toMatch(/^The import was interrupted\. 1000 PINs .* stay\. No PINs were removed\.$/)
    expect(table.pins.has('gone')).toBe(true)
  })

  it('any more once it was interrupted, which says how many were', async () => {
    const table = await tableOf(...ids(2_500))
    const ending = new AbortController()
    const onProgress = ({ phase }: ImportProgress): void => {
      if (phase === 'removal') ending.abort()
    }
    const error = await errorOf(
      replaceBy(table, csv(good('P1')), { evenMany: true, signal: ending.signal, onProgress }),
    )
    expect(error.message).toBe(
      'The import was interrupted. 1 PINs before that have been imported and stay. 250 PINs were removed.',
    )
    expect(table.pins.size).toBe(2_250)
    expect(await table.refreshedAt()).toBe(1_000)
  })

  it('from a pipe, which cannot be read twice', async () => {
    const table = await tableOf('P1', 'P2')
    const stream = (async function* () {
      yield Buffer.from(csv(good('P1')))
    })()
    const error = await errorOf(replaceBy(table, '', { file: 'standard input', format: 'csv', stream, evenMany: true }))
    expect(error).toMatchObject({ code: 'usage', message: 'standard input cannot be read twice, as --replace must.' })
    expect(table.pins.size).toBe(2)
  })
})

describe('two imports at once', () => {
  it.each(['ahead', 'rows', 'removal'] as const)(
    'keep a PIN that came in during the %s of the other',
    async (during) => {
      const table = await tableOf('P1', 'gone', ...Array.from({ length: 1_500 }, (_, n) => `old-${n}`))
      const arriving = { ...(await tableOf('new')).pins.values().next().value } as Pin
      let arrives: Promise<void> | undefined
      const onProgress = ({ phase }: ImportProgress): void => {
        if (phase === during) arrives ??= table.upsert([arriving])
      }
      await replaceBy(table, csv(good('P1')), { evenMany: true, onProgress })
      await arrives
      expect([...table.pins.keys()]).toEqual(['P1', 'new'])
    },
  )

  it('take turns when both replace: in the end the table holds what the later one says', async () => {
    const test = await sqliteHarness.open()
    try {
      const other = await test.reopen()
      const first = await fileOf(csv(...rows('A1', 'both')))
      const second = await fileOf(csv(...rows('B1', 'both')))
      const options = { startedAt: 1_000, waitMs: 60_000, evenMany: true }
      let waited: Promise<unknown> | undefined
      const said: string[] = []
      const replaceFrom = (file: string, { ledger, pinTable }: typeof other, onProgress = (): void => {}) =>
        importPins({
          file,
          table: pinTable,
          startedAt: 1_000,
          replace: { ...options, leases: ledger.leases, onWait: () => said.push(file) },
          onProgress,
        })
      await replaceFrom(first, test, () => {
        waited ??= replaceFrom(second, other)
      })
      await waited
      expect(said).toEqual([second])
      expect((await test.pinTable.ids(null, 10)).toSorted()).toEqual(['B1', 'both'])
    } finally {
      await test.close()
    }
  })

  it('do not wait for ever, and leave the table alone', async () => {
    const table = await tableOf('P1', 'P2')
    const leases = { acquire: async () => false, release: async () => {} }
    const error = await errorOf(replaceBy(table, csv(good('P1')), { leases, evenMany: true }))
    expect(error).toMatchObject({ code: 'import-under-way', exitCode: 3 })
    expect(table.pins.size).toBe(2)
  })
})

it('tells the way of an import that replaces', async () => {
  const told: ImportProgress[] = []
  const content = csv(...rows('P1'), 'bad,,,')
  await replaceBy(await tableOf('P1', 'P2'), content, { evenMany: true, onProgress: (progress) => told.push(progress) })
  const bytes = content.length
  expect(told.filter(({ read }, n) => read > 0 && told[n + 1]?.phase !== told[n]?.phase)).toEqual([
    { phase: 'ahead', read: 2, accepted: 0, rejectedTotal: 0, done: bytes, total: bytes },
    { phase: 'rows', read: 2, accepted: 0, rejectedTotal: 1, done: bytes, total: bytes },
    { phase: 'removal', read: 2, accepted: 1, rejectedTotal: 1, done: 1, total: 1 },
  ])
})
