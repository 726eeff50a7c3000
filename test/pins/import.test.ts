import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ForewarnError } from '#core/errors.ts'
import { importPins } from '#pins/import.ts'
import { errorOf, importContent } from './imported.ts'
import { MemoryPinTable } from './memory-pin-table.ts'

const header = 'pin_id,email,expires_at,name'
const good = (id: string, name = ''): string => `${id},${id.toLowerCase()}@example.com,2026-12-31T17:00:00Z,${name}`
const csv = (...rows: string[]): string => [header, ...rows, ''].join('\n')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarn-import-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

describe('importPins from CSV', () => {
  it('takes good rows, and replaces a PIN that the table has', async () => {
    const table = new MemoryPinTable()
    await importContent(csv(good('P1', 'Ann'), good('P2')), { table })
    const { read, accepted, rejectedTotal } = await importContent(csv(good('P1', 'Anna')), { table })
    expect({ read, accepted, rejectedTotal }).toEqual({ read: 1, accepted: 1, rejectedTotal: 0 })
    expect([...table.pins.values()].map((pin) => pin.name)).toEqual(['Anna', null])
  })

  it('reads a file the same however it is cut into pieces', async () => {
    const text = `\ufeff${csv('P1,"p1@example.com",2026-12-31T17:00:00Z,"Müller, ""Jo"""', '', good('P2', '"a'), good('P3')).replaceAll('\n', '\r\n')}`
    for (const size of [1, 2, 3, 7, 1_000]) {
      const { ids, rejected, table } = await importContent(text, { size })
      expect(ids).toEqual(['P1', 'P3'])
      expect(table.pins.get('P1')?.name).toBe('Müller, "Jo"')
      expect(rejected.map(({ line }) => line)).toEqual([4])
    }
  })

  it('takes columns in any order, and a last row without a line end', async () => {
    const { table } = await importContent('name, expires_at ,pin_id,email\nAnn,2026-12-31T17:00:00Z,P1,ann@example.com')
    expect(table.pins.get('P1')).toMatchObject({ name: 'Ann', email: 'ann@example.com' })
  })

  it('reads back every cell that it is given, in quotes', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'é', ' ', '"', ',', '\n', '\r\n', "'", ';') })
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { minLength: 1, maxLength: 6 }), async (notes) => {
        const rows = notes.map((note, i) => `"${note.replaceAll('"', '""')}",P${i},p@example.com,2026-12-31T17:00:00Z`)
        const { ids } = await importContent(['note,pin_id,email,expires_at', ...rows].join('\n'))
        expect(ids).toEqual(notes.map((_, i) => `P${i}`))
      }),
    )
  })

  it('never fails on what follows a sound header, and names bad rows in the order of their lines', async () => {
    const piece = fc.constantFrom('"', '""', ',', '\n', '\r\n', '\r', 'a', 'ü', '\u0000', good('P1'), `"${good('P2')}"`)
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 40 }), fc.integer({ min: 1, max: 50 }), async (pieces, size) => {
        const { rejected, read, accepted, rejectedTotal } = await importContent(`${header}\n${pieces.join('')}`, {
          size,
        })
        expect(accepted + rejectedTotal).toBe(read)
        const lines = rejected.map(({ line }) => line)
        expect(lines).toEqual([...new Set(lines)].toSorted((a, b) => a - b))
        expect(lines.at(0) ?? 2).toBeGreaterThan(1)
      }),
      { numRuns: 500 },
    )
  })

  it('loses no row to a quote that only a later row seems to close', async () => {
    const { ids, rejected } = await importContent(
      csv(good('P1', '"open'), good('P2'), good('P3', '"Lee, Ann"'), good('P4')),
    )
    expect(rejected.map(({ line, column }) => ({ line, column }))).toEqual([{ line: 2, column: 'name' }])
    expect(ids).toEqual(['P2', 'P3', 'P4'])
  })

  it('says which lines a quote has joined to a row of the wrong length', async () => {
    const { ids, rejected } = await importContent(csv(good('P1', '"open'), good('P2'), good('P3', '",x'), good('P4')))
    expect(rejected).toMatchObject([
      { line: 2, reason: 'has 5 cells, lines 2 to 4 being joined by quotes; expected 4, as in the header' },
    ])
    expect(ids).toEqual(['P4'])
  })

  it('gives up a quote after 64 KiB and reads on in the next line', async () => {
    const rows = Array.from({ length: 3_000 }, (_, i) => good(`Q${i}`))
    const { rejected, accepted } = await importContent(csv(good('P1', '"open'), ...rows))
    expect(rejected).toMatchObject([
      { line: 2, column: 'name', reason: 'has a quote that is not closed within 64 KiB' },
    ])
    expect(accepted).toBe(3_000)
  })

  it('refuses a row of many lines as a whole when only its end is beyond 64 KiB', async () => {
    const note = `"${'ü'.repeat(20)}\n${'y\n'.repeat(32_800)}"`
    const { ids, rejected } = await importContent(`note,${header}\n${note},${good('P1')}\nx,${good('P2')}\n`)
    // The note alone is beyond the limit, hence its quote is given up; its lines are no rows either.
    expect(rejected[0]).toMatchObject({
      line: 2,
      column: 'note',
      reason: 'has a quote that is not closed within 64 KiB',
    })
    expect(ids).toEqual(['P2'])

    const shorter = `"${'ü'.repeat(20)}\n${'y\n'.repeat(32_720)}"`
    const ended = await importContent(`note,${header}\n${shorter},${good('P1', 'x'.repeat(180))}\nx,${good('P2')}\n`)
    expect(ended.rejected).toEqual([
      { line: 2, column: null, value: `"${'ü'.repeat(20)}`, reason: 'is longer than 64 KiB' },
    ])
    expect(ended.ids).toEqual(['P2'])
  })

  it('shows the beginning of a row that is too long as it is, wherever the limit cuts it', async () => {
    for (const shift of ['', 'x']) {
      const { rejected } = await importContent(csv(`${shift}${'ü'.repeat(40_000)}`))
      expect(rejected).toMatchObject([{ value: `${shift}${'ü'.repeat(100 - shift.length)}` }])
    }
  })

  it('names the line where the quote began, not where the row did', async () => {
    const text = `note,${header}\n"a\n\nb",P1,"p1@example.com,2026-12-31T17:00:00Z,\nc,${good('P2')}\n`
    const { ids, rejected } = await importContent(text)
    expect(rejected).toMatchObject([{ line: 4, column: 'email' }])
    expect(ids).toEqual(['P2'])
  })

  it('counts the lines that an editor counts, also inside of quotes', async () => {
    const text = `note,${header}\r\n"a\r\n\r\nb",${good('P1')}\r\n\r\nc,P2,nobody,2026-12-31T17:00:00Z,\r\n`
    const { ids, rejected } = await importContent(text)
    expect(ids).toEqual(['P1'])
    expect(rejected).toMatchObject([{ line: 6, column: 'email' }])
  })

  it('takes a row of exactly 64 KiB, and refuses one of a byte more', async () => {
    const noted = (length: number): string => {
      const row = `${good('P1')},`
      return `${header},note\r\n${row}${'x'.repeat(length - row.length)}\r\n${good('P2')},\r\n`
    }
    expect((await importContent(noted(65_536))).ids).toEqual(['P1', 'P2'])
    expect(await importContent(noted(65_537))).toMatchObject({
      ids: ['P2'],
      rejected: [{ line: 2, reason: 'is longer than 64 KiB' }],
    })
  })

  it('warns of unknown columns once', async () => {
    const text = `team,${header},\nx,${good('P1')},\ny,${good('P2')},\n`
    expect((await importContent(text)).warnings).toEqual(['Columns that are not read: team, column 6.'])
  })

  it('keeps the first 1,000 rejected rows, counts all and tells each', async () => {
    const told: number[] = []
    const rows = Array.from({ length: 1_200 }, () => 'P1,nobody,2026-12-31T17:00:00Z,')
    const report = await importContent(csv(...rows), { onRejected: ({ line }) => told.push(line) })
    expect(report).toMatchObject({ read: 1_200, accepted: 0, rejectedTotal: 1_200, truncated: true })
    expect(report.rejected).toHaveLength(1_000)
    expect(told).toEqual(rows.map((_, i) => i + 2))
  })

  it('lets the good row count of two with one id', async () => {
    const { rejected, table } = await importContent(csv('P1,nobody,2026-12-31T17:00:00Z,', good('P1', 'Ann')))
    expect(rejected.map(({ line }) => line)).toEqual([2])
    expect(table.pins.get('P1')?.name).toBe('Ann')
  })
})

describe('importPins from NDJSON', () => {
  const object = (more: object): string =>
    JSON.stringify({ pin_id: 'P1', email: 'a@example.com', expires_at: '2026-12-31T17:00:00Z', ...more })
  const ndjson = { format: 'ndjson' } as const

  it('takes text, null and whole numbers, and warns of unknown members once', async () => {
    const lines = [
      object({ name: 'Ann' }),
      object({ pin_id: 12, name: null, team: 1 }),
      '',
      object({ pin_id: 'P3', team: 2 }),
    ]
    const { table, ids, warnings } = await importContent(lines.join('\r\n'), ndjson)
    expect(ids).toEqual(['P1', '12', 'P3'])
    expect(table.pins.get('P1')?.name).toBe('Ann')
    expect(warnings).toEqual(['Columns that are not read: team.'])
  })
})

describe('importPins and its table', () => {
  const many = (count: number): string => csv(...Array.from({ length: count }, (_, i) => good(`P${i}`)))

  it('stores pages of 1,000', async () => {
    const { table } = await importContent(many(2_500))
    expect(table.pageSizes).toEqual([1_000, 1_000, 500])
  })

  it('marks the table as fresh as of the beginning, when the whole file was read', async () => {
    const { table } = await importContent(csv(good('P1'), 'bad'), { startedAt: 77 })
    expect(await table.refreshedAt()).toBe(77)
  })

  it('does not call the table fresh when no row came in', async () => {
    for (const text of [csv(), csv('P1,nobody,2026-12-31T17:00:00Z,')]) {
      const { table, warnings } = await importContent(text)
      expect(await table.refreshedAt()).toBeNull()
      expect(warnings).toContain('No row was accepted: the PINs count as no fresher than before.')
    }
  })

  it('reports the same and writes nothing on a dry run', async () => {
    const text = csv(good('P1'), 'bad', good('P1'), good('P2'))
    const { table: written, ids, ...report } = await importContent(text)
    const { table, ids: none, ...dryReport } = await importContent(text, { dryRun: true })
    expect(dryReport).toEqual(report)
    expect(table.pageSizes).toEqual([])
    expect(await table.refreshedAt()).toBeNull()
    expect([ids, none, written.pageSizes]).toEqual([['P1', 'P2'], [], [2]])
  })

  it('keeps the pages before an error of the stream, says so, and does not call the table fresh', async () => {
    async function* breaking(): AsyncGenerator<Buffer> {
      yield Buffer.from(many(1_500))
      throw Object.assign(new Error('read failed'), { code: 'EIO' })
    }
    const table = new MemoryPinTable()
    const error = await errorOf(importPins({ file: 'pins.csv', stream: breaking(), table, startedAt: 0 }))
    expect(error.message).toBe(
      'pins.csv could not be read to its end (EIO). 1000 PINs before that have been imported and stay.',
    )
    expect(table.pins.size).toBe(1_000)
    expect(await table.refreshedAt()).toBeNull()
  })

  it('stops when the file shrinks while it is read, before it takes half a row for a whole one', async () => {
    const file = join(folder, 'shrinking.csv')
    const text = many(20_000)
    await writeFile(file, text)
    const table = new MemoryPinTable()
    const cutAt = text.length - 30
    const onProgress = (): void => {
      pending ??= truncate(file, cutAt)
    }
    let pending: Promise<void> | undefined
    const error = await errorOf(importPins({ file, table, startedAt: 0, onProgress }))
    await pending
    expect(error.message).toMatch(
      /changed while it was read \(\d+ bytes at first, \d+ in the end\)\. \d+ PINs before that have been imported and stay\.$/,
    )
    expect(await table.refreshedAt()).toBeNull()
  })

  it('says what was imported when it cannot go on', async () => {
    const onRejected = (): void => {
      throw new ForewarnError('output-unwritable', 'the disk is full')
    }
    const late = await errorOf(importContent(`${many(1_500)}bad\n`, { onRejected }))
    expect(late.message).toBe('the disk is full. 1000 PINs before that have been imported and stay.')
    expect((await errorOf(importContent(`${many(500)}bad\n`, { onRejected }))).message).toBe(
      'the disk is full. Nothing was imported.',
    )
    expect((await errorOf(importContent(`${many(500)}bad\n`, { onRejected, dryRun: true }))).message).toBe(
      'the disk is full',
    )
  })

  it('passes on what the table throws', async () => {
    const table = new MemoryPinTable()
    table.upsert = () => Promise.reject(new Error('disk full'))
    await expect(importContent(csv(good('P1')), { table })).rejects.toThrow('disk full')
    expect(await table.refreshedAt()).toBeNull()
  })
})

describe('importPins in bounded memory', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const liveBytes = (): number => {
    collect()
    return process.memoryUsage().heapUsed
  }

  it('reads 200,000 rows without holding them', async () => {
    const rows = 200_000
    async function* stream(): AsyncGenerator<Buffer> {
      yield Buffer.from(`${header},note\n`)
      for (let i = 0; i < rows; i += 100) {
        const page = Array.from(
          { length: 100 },
          (_, k) => `${good(`PIN-${String(i + k).padStart(10, '0')}`)},${'x'.repeat(400)}\n`,
        )
        yield Buffer.from(page.join(''))
      }
    }
    let peakBytes = 0
    const before = liveBytes()
    const onProgress = ({ accepted }: { accepted: number }): void => {
      if (accepted % 40_000 === 0) peakBytes = Math.max(peakBytes, liveBytes() - before)
    }
    const table = new MemoryPinTable()
    const { accepted } = await importPins({
      file: 'x.csv',
      stream: stream(),
      table,
      dryRun: true,
      startedAt: 0,
      onProgress,
    })
    expect(accepted).toBe(rows)
    // The rows are 96 MB; their ids alone take about 15.
    expect(peakBytes).toBeLessThan(35e6)
  })

  it('counts 200,000 rejected rows without holding them, whatever is wrong with them', async () => {
    const rows = 200_000
    const bad = [
      'P1,nobody',
      `P1,${'x'.repeat(400)},2026-12-31T17:00:00Z,`,
      `P1,p@example.com,2026-12-31T17:00:00Z,"${'x'.repeat(400)}`,
    ]
    async function* stream(): AsyncGenerator<Buffer> {
      yield Buffer.from(`${header}\n`)
      for (let i = 0; i < rows; i += 100) {
        yield Buffer.from(Array.from({ length: 100 }, (_, k) => `${bad[(i + k) % bad.length]}\n`).join(''))
      }
    }
    let peakBytes = 0
    let told = 0
    const before = liveBytes()
    const onRejected = (): void => {
      told += 1
      if (told % 40_000 === 0) peakBytes = Math.max(peakBytes, liveBytes() - before)
    }
    const { rejected, rejectedTotal } = await importPins({
      file: 'x.csv',
      stream: stream(),
      table: new MemoryPinTable(),
      startedAt: 0,
      onRejected,
    })
    expect({ told, rejectedTotal, kept: rejected.length }).toEqual({ told: rows, rejectedTotal: rows, kept: 1_000 })
    // The rows are 54 MB, the thousand that are kept half a megabyte.
    expect(peakBytes).toBeLessThan(5e6)
  })

  it('reads past a line of 50 MB without holding it', async () => {
    const piece = Buffer.alloc(65_536, 'x')
    async function* stream(): AsyncGenerator<Buffer> {
      yield Buffer.from(`${header}\n`)
      for (let i = 0; i < 800; i += 1) yield piece
      yield Buffer.from(`\n${good('P1')}\n`)
    }
    const before = process.memoryUsage().arrayBuffers
    let heldBytes = 0
    const onRejected = (): void => {
      heldBytes = process.memoryUsage().arrayBuffers - before
    }
    const table = new MemoryPinTable()
    const report = await importPins({ file: 'x.csv', stream: stream(), table, startedAt: 0, onRejected })
    expect(report).toMatchObject({ accepted: 1, rejected: [{ line: 2, column: null, value: 'x'.repeat(100) }] })
    expect(heldBytes).toBeLessThan(10e6)
  })
})
