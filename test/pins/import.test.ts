import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ForewarnError } from '#core/errors.ts'
import { type ImportOptions, type ImportReport, importPins } from '#pins/import.ts'
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

/** The bytes in pieces of `size`, as a slow stream would give them. */
async function* inPieces(content: string | Buffer, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(content)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

interface Imported extends ImportReport {
  readonly table: MemoryPinTable
  /** The ids of the PINs that the table has now. */
  readonly ids: string[]
}

async function importContent(
  content: string | Buffer,
  more: Partial<ImportOptions> & { size?: number } = {},
): Promise<Imported> {
  const table = new MemoryPinTable()
  const { size = 65_536, ...options } = more
  const report = await importPins({
    file: 'pins.csv',
    stream: inPieces(content, size),
    table,
    startedAt: 1_000,
    ...options,
  })
  return { ...report, table, ids: [...table.pins.keys()] }
}

async function errorOf(work: Promise<unknown>): Promise<ForewarnError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ForewarnError)) throw new Error('expected a ForewarnError', { cause: error })
  return error
}

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

  describe('names a bad row and keeps the good ones around it', () => {
    const notUtf8 = 'is not UTF-8; the file seems to be saved in another encoding'
    const cases: [string, string | Buffer, { line: number; column: string | null; value: string; reason: string }][] = [
      [
        'without an offset',
        'P2,p2@example.com,2026-12-31T17:00:00,',
        {
          line: 3,
          column: 'expires_at',
          value: '2026-12-31T17:00:00',
          reason: 'has no offset; expected `Z` or an offset such as `+01:00` at its end',
        },
      ],
      [
        'with two addresses',
        'P2,"a@example.com,b@example.com",2026-12-31T17:00:00Z,',
        {
          line: 3,
          column: 'email',
          value: 'a@example.com,b@example.com',
          reason: 'contains a comma or semicolon; expected exactly one address',
        },
      ],
      [
        'with an id that has been',
        good('P1', 'twin'),
        { line: 3, column: 'pin_id', value: 'P1', reason: 'comes twice in this file; the row on line 2 counts' },
      ],
      [
        'with a cell too few',
        'P2,p2@example.com,2026-12-31T17:00:00Z',
        {
          line: 3,
          column: null,
          value: 'P2,p2@example.com,2026-12-31T17:00:00Z',
          reason: 'has 3 cells; expected 4, as in the header',
        },
      ],
      [
        'with a cell too many',
        good('P2', 'Lee, Ann'),
        { line: 3, column: null, value: good('P2', 'Lee, Ann'), reason: 'has 5 cells; expected 4, as in the header' },
      ],
      [
        'in Latin-1',
        Buffer.from(good('P2', 'Jürgen'), 'latin1'),
        { line: 3, column: 'name', value: 'Jürgen', reason: notUtf8 },
      ],
      [
        'of which one cell is Latin-1 and another UTF-8',
        Buffer.concat([Buffer.from('Pü,'), Buffer.from('Jü@example.com,2026-12-31T17:00:00Z,', 'latin1')]),
        { line: 3, column: 'email', value: 'Jü@example.com', reason: notUtf8 },
      ],
      [
        'with a NUL byte',
        good('P2', 'a\u0000b'),
        { line: 3, column: 'name', value: 'a\u0000b', reason: 'contains a control character or line break' },
      ],
      [
        'with a line break in a name',
        good('P2', '"a\nb"'),
        { line: 3, column: 'name', value: 'a\nb', reason: 'contains a control character or line break' },
      ],
      [
        'with a quote that is never closed',
        'P2,"p2@example.com,2026-12-31T17:00:00Z,',
        {
          line: 3,
          column: 'email',
          value: '"p2@example.com,2026-12-31T17:00:00Z,',
          reason: 'has a quote that is never closed',
        },
      ],
      [
        'with a quote in the middle of a cell',
        good('P2', 'Jo "the cat" Lee'),
        {
          line: 3,
          column: 'name',
          value: 'Jo "the cat" Lee',
          reason: 'has a quote; a cell with quotes must be quoted as a whole',
        },
      ],
      [
        'that goes on after a closing quote',
        good('P2', '"Jo" Lee'),
        {
          line: 3,
          column: 'name',
          value: '"Jo" Lee',
          reason: 'goes on after its closing quote; a quote inside of a quoted cell is written twice',
        },
      ],
      [
        'beyond 64 KiB',
        good('P2', 'x'.repeat(70_000)),
        { line: 3, column: null, value: good('P2', 'x'.repeat(70_000)).slice(0, 100), reason: 'is longer than 64 KiB' },
      ],
    ]
    it.each(cases)('%s', async (_, row, rejection) => {
      const content = Buffer.concat([
        Buffer.from(`${header}\n${good('P1')}\n`),
        Buffer.from(row),
        Buffer.from(`\n${good('P3')}\n`),
      ])
      for (const size of [10, 65_536]) {
        const { ids, read, accepted, rejected, rejectedTotal } = await importContent(content, { size })
        expect(rejected).toEqual([rejection])
        expect({ ids, read, accepted, rejectedTotal }).toEqual({
          ids: ['P1', 'P3'],
          read: 3,
          accepted: 2,
          rejectedTotal: 1,
        })
      }
    })
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

  it.each<[string | Buffer, string | null, string]>([
    ['{"pin_id":"P2"', null, 'is not a JSON object'],
    ['["P2"]', null, 'is not a JSON object'],
    ['null', null, 'is not a JSON object'],
    [object({ pin_id: 1.5 }), 'pin_id', 'is not text; expected a JSON string or null'],
    [object({ name: ['Ann'] }), 'name', 'is not text; expected a JSON string or null'],
    [object({ status: true }), 'status', 'is not text; expected a JSON string or null'],
    [object({ email: undefined }), 'email', 'is empty; every row must have it'],
    [object({ name: 'a\u0000b' }), 'name', 'contains a control character or line break'],
    [object({ pin_id: 'P2', name: '\ud800' }), 'name', 'contains half of a character (a lone surrogate)'],
    [object({ pin_id: 'P1' }), 'pin_id', 'comes twice in this file; the row on line 1 counts'],
    [
      Buffer.from(object({ name: 'Jürgen' }), 'latin1'),
      'name',
      'is not UTF-8; the file seems to be saved in another encoding',
    ],
    [
      Buffer.from(object({ team: 'Jürgen' }), 'latin1'),
      null,
      'is not UTF-8; the file seems to be saved in another encoding',
    ],
    [object({ note: 'x'.repeat(70_000) }), null, 'is longer than 64 KiB'],
  ])('refuses %s', async (line, column, reason) => {
    const content = Buffer.concat([
      Buffer.from(`${object({})}\n`),
      Buffer.from(line),
      Buffer.from(`\n${object({ pin_id: 'P3' })}\n`),
    ])
    const { ids, rejected } = await importContent(content, ndjson)
    expect(rejected).toMatchObject([{ line: 2, column, reason }])
    expect(ids).toEqual(['P1', 'P3'])
  })

  it('refuses a file that has no object at all', async () => {
    for (const text of [`[${object({})}]`, csv(good('P1')), '{\n']) {
      const error = await errorOf(importContent(text, ndjson))
      expect(error).toMatchObject({ code: 'input-unreadable', message: 'The file has no line that is a JSON object.' })
    }
  })
})

describe('importPins refuses', () => {
  it.each<[string, string | Buffer, string, string]>([
    ['an empty file', '', 'pins.csv:1:1', 'pins.csv is empty.'],
    ['a file of blank lines', '\ufeff\r\n\n', 'pins.csv:1:1', 'pins.csv is empty.'],
    ['gzip', gzipSync(csv(good('P1'))), 'pins.csv:1:1', 'pins.csv is compressed with gzip.'],
    ['a spreadsheet', 'PK\u0003\u0004abc', 'pins.csv:1:1', 'pins.csv is a spreadsheet or zip archive.'],
    ['UTF-16', Buffer.from(`\ufeff${csv(good('P1'))}`, 'utf16le'), 'pins.csv:1:1', 'pins.csv is UTF-16.'],
    ['a header without a required column', 'pin_id,name\n', 'pins.csv:1:email', 'The header lacks email, expires_at.'],
    [
      'another separator',
      'pin_id;email;expires_at\n',
      'pins.csv:1:pin_id',
      'The header lacks pin_id, email, expires_at.',
    ],
    ['a column twice', `\n${header},name\n`, 'pins.csv:2:name', 'The header names name twice.'],
    [
      'an open quote in the header',
      `${header},"note\n${good('P1')}\n`,
      'pins.csv:1:5',
      'The header has a quote that is never closed.',
    ],
    [
      'a header that is not UTF-8',
      Buffer.from(`${header},größe\n`, 'latin1'),
      'pins.csv:1:1',
      'The header is not UTF-8; the file seems to be saved in another encoding.',
    ],
  ])('%s', async (_, content, path, message) => {
    const table = new MemoryPinTable()
    const error = await errorOf(importContent(content, { table }))
    expect(error).toMatchObject({
      code: 'input-unreadable',
      exitCode: 2,
      path,
      message,
      hint: expect.any(String),
    })
    expect(table.pins.size).toBe(0)
    expect(await table.refreshedAt()).toBeNull()
  })

  it('a file that is missing, or a folder, or of no known format', async () => {
    const from = (file: string): Promise<unknown> => importPins({ file, table: new MemoryPinTable(), startedAt: 0 })
    expect(await errorOf(from(join(folder, 'missing.csv')))).toMatchObject({
      code: 'input-unreadable',
      message: expect.stringContaining('ENOENT'),
    })
    expect(
      await errorOf(importPins({ file: folder, format: 'csv', table: new MemoryPinTable(), startedAt: 0 })),
    ).toMatchObject({
      code: 'input-unreadable',
      message: `${folder} is a folder.`,
    })
    expect(await errorOf(from('pins.txt'))).toMatchObject({
      code: 'input-unreadable',
      hint: 'Give --format csv or ndjson.',
    })
  })
})

describe('importPins and its table', () => {
  const many = (count: number): string => csv(...Array.from({ length: count }, (_, i) => good(`P${i}`)))

  it('stores pages of 1,000 and tells the progress after each', async () => {
    const progress: number[] = []
    const { table } = await importContent(many(2_500), { onProgress: ({ accepted }) => progress.push(accepted) })
    expect(table.pageSizes).toEqual([1_000, 1_000, 500])
    expect(progress).toEqual([1_000, 2_000, 2_500])
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
    expect(error.message).toMatch(/changed while it was read\. \d+ PINs before that have been imported and stay\.$/)
    expect(await table.refreshedAt()).toBeNull()
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
