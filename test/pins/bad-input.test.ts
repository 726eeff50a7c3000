import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { errorOf, importContent } from './imported.ts'

// What an import says of each kind of bad input. The first table is of rows, which leave the rows around them in peace;
// the second of files that are refused as a whole.

const columns = ['pin_id', 'email', 'expires_at', 'name', 'locale', 'time_zone', 'status', 'kind'] as const
const sound = { pin_id: 'P2', email: 'p2@example.com', expires_at: '2026-12-31T17:00:00Z' }
const header = columns.join(',')

type Cells = Partial<Record<(typeof columns)[number], string>>
const row = (cells: Cells): string => columns.map((column) => ({ ...sound, ...cells })[column] ?? '').join(',')
const first = row({ pin_id: 'P1' })
const last = row({ pin_id: 'P3' })
const object = (members: object): string => JSON.stringify({ ...sound, ...members })

const notUtf8 = 'is not UTF-8; the file seems to be saved in another encoding'
const instant = 'such as `2026-12-31T17:00:00+01:00`'

/** What stands in the second of three rows; the column, the value and the reason that are told. */
type Case = [what: string, row: string | Buffer, column: string | null, value: string, reason: string]

// biome-ignore format: one case a line
const csvRows: Case[] = [
  // dates
  ['a date without an offset', row({ expires_at: '2026-12-31T17:00:00' }), 'expires_at', '2026-12-31T17:00:00', 'has no offset; expected `Z` or an offset such as `+01:00` at its end'],
  ['a date without a time', row({ expires_at: '2026-12-31' }), 'expires_at', '2026-12-31', `has no time and no offset; expected an instant ${instant}`],
  ['a date as people write it', row({ expires_at: '31.12.2026' }), 'expires_at', '31.12.2026', `is not an instant in ISO 8601 with an offset or \`Z\`, ${instant}`],
  ['the 31st of February', row({ expires_at: '2026-02-31T10:00:00Z' }), 'expires_at', '2026-02-31T10:00:00Z', '2026-02-31 is no day of the calendar'],
  ['the hour 24', row({ expires_at: '2026-12-31T24:00:00Z' }), 'expires_at', '2026-12-31T24:00:00Z', 'has an hour after 23'],
  ['the hour 25', row({ expires_at: '2026-12-31T25:00:00Z' }), 'expires_at', '2026-12-31T25:00:00Z', 'has an hour after 23'],
  // addresses
  ['two addresses with a semicolon', row({ email: 'a@example.com;b@example.com' }), 'email', 'a@example.com;b@example.com', 'contains a comma or semicolon; expected exactly one address'],
  ['two addresses with a comma', row({ email: '"a@example.com,b@example.com"' }), 'email', 'a@example.com,b@example.com', 'contains a comma or semicolon; expected exactly one address'],
  ['a line break in an address', row({ email: '"a@example.com\r\nBcc: b@example.com"' }), 'email', 'a@example.com\nBcc: b@example.com', 'contains a line break or another control character; expected one bare address'],
  ['a carriage return in an address', row({ email: '"a@example.com\rBcc: b@example.com"' }), 'email', 'a@example.com\rBcc: b@example.com', 'contains a line break or another control character; expected one bare address'],
  ['a name beside the address', row({ email: 'Ann Lee <ann@example.com>' }), 'email', 'Ann Lee <ann@example.com>', 'has a name or angle brackets; expected the bare address'],
  ['a local part with an umlaut', row({ email: 'jürgen@example.com' }), 'email', 'jürgen@example.com', 'has characters other than ASCII before the `@`'],
  // other columns
  ['no pin_id', row({ pin_id: '' }), 'pin_id', '', 'is empty; every row must have it'],
  ['a pin_id that has been', row({ pin_id: 'P1' }), 'pin_id', 'P1', 'comes twice in this file; the row on line 2 counts'],
  ['an unknown status', row({ status: 'deleted' }), 'status', 'deleted', 'is not one of `active`, `revoked`, `none`'],
  ['an unknown zone', row({ time_zone: 'Mars/Olympus' }), 'time_zone', 'Mars/Olympus', 'is not a time zone (IANA) such as `Europe/Berlin` or `UTC`'],
  ['an offset as a zone', row({ time_zone: '+02:00' }), 'time_zone', '+02:00', 'is not a time zone (IANA) such as `Europe/Berlin` or `UTC`'],
  ['an unknown locale', row({ locale: 'en_US' }), 'locale', 'en_US', 'is not a language tag (BCP 47) such as `en` or `de-AT`'],
  ['a kind with a tab', row({ kind: 'caller\tpin' }), 'kind', 'caller\tpin', 'contains a control character or line break'],
  ['a NUL byte', row({ name: 'a\0b' }), 'name', 'a\0b', 'contains a control character or line break'],
  // shape
  ['a cell too few', row({}).slice(0, -1), null, row({}).slice(0, -1), 'has 7 cells; expected 8, as in the header'],
  ['a cell too many', row({ name: 'Lee, Ann' }), null, row({ name: 'Lee, Ann' }), 'has 9 cells; expected 8, as in the header'],
  ['a lone carriage return as line end', `${row({})}\r${row({ pin_id: 'P4' })}`, null, `${row({})}\r${row({ pin_id: 'P4' })}`.slice(0, 100), 'has 15 cells; expected 8, as in the header'],
  ['a quote that is never closed', 'P2,"p2@example.com,2026-12-31T17:00:00Z,,,,,', 'email', '"p2@example.com,2026-12-31T17:00:00Z,,,,,', 'has a quote that is never closed'],
  ['a quote in the middle of a cell', row({ name: 'Jo "the cat" Lee' }), 'name', 'Jo "the cat" Lee,,,,', 'has a quote; a cell with quotes must be quoted as a whole'],
  ['more after a closing quote', row({ name: '"Jo" Lee' }), 'name', '"Jo" Lee,,,,', 'goes on after its closing quote; a quote inside of a quoted cell is written twice'],
  ['a line of 10 MB', row({ name: 'x'.repeat(10_000_000) }), null, row({ name: 'x'.repeat(100) }).slice(0, 100), 'is longer than 64 KiB'],
  // encoding
  ['Latin-1', Buffer.from(row({ name: 'Jürgen' }), 'latin1'), 'name', 'Jürgen', notUtf8],
  ['Latin-1 beside UTF-8', Buffer.concat([Buffer.from('Pü,'), Buffer.from('Jü@example.com,2026-12-31T17:00:00Z,,,,,', 'latin1')]), 'email', 'Jü@example.com', notUtf8],
]

const eachLine = 'expected one JSON object on each line'
const noText = 'is not text; expected a JSON string or null'
// biome-ignore format: one case a line
const ndjsonRows: Case[] = [
  ['no JSON', '{pin_id: P2}', null, '{pin_id: P2}', `is not JSON; ${eachLine}`],
  ['half an object', '{"pin_id":"P2"', null, '{"pin_id":"P2"', `is not JSON; ${eachLine}`],
  ['a row of CSV', row({}), null, row({}), `is not JSON; ${eachLine}`],
  ['an array', '["P2"]', null, '["P2"]', `is an array; ${eachLine}`],
  ['an object of a long array', '{"pin_id":"P2"},', null, '{"pin_id":"P2"},', `has a comma after its object, as in an array; ${eachLine}`],
  ['null', 'null', null, 'null', 'is null; expected a JSON object'],
  ['a number as an address', object({ email: 7 }), 'email', '7', 'has no `@`; expected an address such as `name@example.com`'],
  ['a fraction as an id', object({ pin_id: 1.5 }), 'pin_id', '1.5', noText],
  ['a nested value', object({ email: { work: 'a@example.com' } }), 'email', '{"work":"a@example.com"}', noText],
  ['a list of addresses', object({ email: ['a@example.com'] }), 'email', '["a@example.com"]', noText],
  ['true', object({ status: true }), 'status', 'true', noText],
  ['a name twice', '{"pin_id":"P2","email":"a@x.org","email":"b@x.org"}', 'email', '{"pin_id":"P2","email":"a@x.org","email":"b@x.org"}', 'is named twice in one object; expected each name once'],
  ['a name twice, once in disguise', '{"name":{"name":"a"},"pin_id":"P2","pin\\u005fid":"P4"}', 'pin_id', '{"name":{"name":"a"},"pin_id":"P2","pin\\u005fid":"P4"}', 'is named twice in one object; expected each name once'],
  ['no address', object({ email: undefined }), 'email', '', 'is empty; every row must have it'],
  ['a pin_id that has been', object({ pin_id: 'P1' }), 'pin_id', 'P1', 'comes twice in this file; the row on line 1 counts'],
  ['a NUL character', object({ name: 'a\0b' }), 'name', 'a\0b', 'contains a control character or line break'],
  ['half of a character', object({ name: '\ud800' }), 'name', '\ufffd', 'contains half of a character (a lone surrogate)'],
  ['Latin-1', Buffer.from(object({ name: 'Jürgen' }), 'latin1'), 'name', 'Jürgen', notUtf8],
  ['Latin-1 where nothing is read', Buffer.from(object({ team: 'Jürgen' }), 'latin1'), null, object({ team: 'Jürgen' }), notUtf8],
  ['a line beyond 64 KiB', object({ note: 'x'.repeat(70_000) }), null, object({ note: 'x'.repeat(70_000) }).slice(0, 100), 'is longer than 64 KiB'],
]

describe('a bad row is named by line, column, value and reason, and the good rows around it are taken', () => {
  const formats = [
    { format: 'csv', before: `${header}\n${first}\n`, after: `\n${last}\n`, line: 3, cases: csvRows },
    {
      format: 'ndjson',
      before: `${object({ pin_id: 'P1' })}\n`,
      after: `\n${object({ pin_id: 'P3' })}\n`,
      line: 2,
      cases: ndjsonRows,
    },
  ] as const

  for (const { format, before, after, line, cases } of formats) {
    describe(format, () => {
      it.each(cases)('%s', async (_, content, column, value, reason) => {
        const file = Buffer.concat([Buffer.from(before), Buffer.from(content), Buffer.from(after)])
        for (const size of [file.length < 100_000 ? 10 : 4_096, 65_536]) {
          const { ids, read, accepted, rejected, rejectedTotal } = await importContent(file, { format, size })
          expect(rejected).toEqual([{ line, column, value: value.slice(0, 100), reason }])
          expect({ ids, read, accepted, rejectedTotal }).toEqual({
            ids: ['P1', 'P3'],
            read: 3,
            accepted: 2,
            rejectedTotal: 1,
          })
        }
      })
    })
  }
})

const names = `pin_id,email,expires_at and any of account_id,account_name,name,kind,locale,time_zone,set_at,version,status`
const expected = `The first line must name the columns, separated by commas: ${names}.`
const text = `${header}\n${first}\n`
const gzip = gzipSync(text)
const unpack = 'Unpack it first.'
const unpackSheet = 'Unpack it; of a spreadsheet export one sheet as CSV in UTF-8.'
const saveAsUtf8 = 'Save it as UTF-8.'
const lineEnds = 'Save it with the line ends of Unix or Windows (LF or CRLF).'
const objects = 'NDJSON has one JSON object per line, without an array around them. For CSV, give --format csv.'

type Refusal = [what: string, file: string, content: string | Buffer, where: string, message: string, hint: string]

// biome-ignore format: one case a line
const refused: Refusal[] = [
  // nothing in it
  ['an empty file', 'pins.csv', '', '1:1', 'pins.csv is empty.', 'Check that the export ended well.'],
  ['a file of blank lines', 'pins.csv', '\ufeff\r\n\n', '1:1', 'pins.csv is empty.', 'Check that the export ended well.'],
  ['empty NDJSON', 'pins.ndjson', '\n', '1:1', 'pins.ndjson is empty.', 'Check that the export ended well.'],
  // the header
  ['a wrong header', 'pins.csv', 'id,mail,date\n1,2,3\n', '1:pin_id', 'The header lacks pin_id, email, expires_at.', expected],
  ['no header', 'pins.csv', `${first}\n`, '1:pin_id', 'The header lacks pin_id, email, expires_at.', expected],
  ['a required column missing', 'pins.csv', 'pin_id,name,email\n', '1:expires_at', 'The header lacks expires_at.', expected],
  ['a column in capitals', 'pins.csv', 'PIN_ID,email,expires_at\n', '1:pin_id', 'The header lacks pin_id, but has PIN_ID.', expected],
  ['a column in words', 'pins.csv', 'pin_id,email,Expires at\n', '1:expires_at', 'The header lacks expires_at, but has Expires at.', expected],
  ['a column twice', 'pins.csv', `\n${header},name\n`, '2:name', 'The header names name twice.', expected],
  ['semicolons', 'pins.csv', text.replaceAll(',', ';'), '1:1', 'The cells are separated by semicolons, not by commas.', expected],
  ['tabs', 'pins.csv', text.replaceAll(',', '\t'), '1:1', 'The cells are separated by tabs, not by commas.', expected],
  ['semicolons and quotes', 'pins.csv', '"pin_id";"email";"expires_at"\n', '1:1', 'The cells are separated by semicolons, not by commas.', expected],
  ['an open quote in the header', 'pins.csv', `${header},"note\n${first}\n`, '1:9', 'The header has a quote that is never closed.', expected],
  ['a header in Latin-1', 'pins.csv', Buffer.from(`${header},größe\n`, 'latin1'), '1:1', `The header ${notUtf8}.`, 'Save the file as UTF-8.'],
  // another kind of file
  ['gzip', 'pins.csv', gzip, '1:1', 'pins.csv is compressed with gzip.', unpack],
  ['gzip by its name', 'pins.csv.gz', gzip, '1:1', 'pins.csv.gz is compressed with gzip.', unpack],
  ['zip', 'pins.zip', Buffer.from('PK\x03\x04\n\0abc', 'latin1'), '1:1', 'pins.zip is a zip archive or a spreadsheet.', unpackSheet],
  ['xlsx', 'pins.xlsx', Buffer.from('PK\x03\x04\x14\0abc', 'latin1'), '1:1', 'pins.xlsx is a zip archive or a spreadsheet.', unpackSheet],
  ['xls', 'pins.xls', Buffer.from('\xd0\xcf\x11\xe0\xa1\xb1', 'latin1'), '1:1', 'pins.xls is an old spreadsheet.', 'Export one sheet as CSV in UTF-8.'],
  ['UTF-16', 'pins.csv', Buffer.from(`\ufeff${text}`, 'utf16le'), '1:1', 'pins.csv is UTF-16.', saveAsUtf8],
  ['UTF-16 without a mark', 'pins.csv', Buffer.from(text, 'utf16le'), '1:1', 'pins.csv is UTF-16, or no text.', saveAsUtf8],
  ['a page of the portal', 'pins.csv', '<!DOCTYPE html>\n', '1:1', 'pins.csv is a web page or XML.', 'Look into it: an export that needs a sign-in often gives its page.'],
  ['carriage returns as line ends', 'pins.csv', text.replaceAll('\n', '\r'), '1:1', 'pins.csv has lines that end with a carriage return alone.', lineEnds],
  ['line ends that were converted twice', 'pins.csv', text.replaceAll('\n', '\r\r\n'), '1:1', 'pins.csv has lines that end with a carriage return alone.', lineEnds],
  ['NDJSON under the name of CSV', 'pins.csv', `${object({})}\n`, '1:1', 'pins.csv is JSON.', 'Give --format ndjson: one JSON object per line.'],
  ['CSV under the name of NDJSON', 'pins.ndjson', text, '1:1', 'The file has no line that is a JSON object.', objects],
  ['a JSON array', 'pins.ndjson', `[${object({})}]`, '1:1', 'The file has no line that is a JSON object.', objects],
  ['a name that tells no format', 'pins.txt', text, '1:1', 'The name of pins.txt does not tell its format.', 'Give --format csv or ndjson.'],
]

describe('a file that cannot be used is refused as a whole, and says what it is', () => {
  it.each(refused)('%s', async (_, file, content, where, message, hint) => {
    for (const size of [1, 65_536]) {
      const { code, exitCode, ...error } = await errorOf(importContent(content, { file, size }))
      expect({ code, exitCode }).toEqual({ code: 'input-unreadable', exitCode: 2 })
      expect({ path: error.path, hint: error.hint }).toEqual({ path: `${file}:${where}`, hint })
    }
    await expect(importContent(content, { file })).rejects.toThrow(message)
  })
})

// biome-ignore format: one case a line
const odd: [what: string, content: string, taken: object][] = [
  ['a byte-order mark', `\ufeff${text}`, {}],
  ['CRLF line ends', text.replaceAll('\n', '\r\n'), {}],
  ['no line end after the last row', text.trimEnd(), {}],
  ['blank lines', `\n${text.replaceAll('\n', '\n\n')}`, {}],
  ['a domain with an umlaut', `${header}\n${row({ pin_id: 'P1', email: 'Ann@Müller.example' })}\n`, { email: 'Ann@xn--mller-kva.example' }],
  ['a kind that no campaign asks for yet', `${header}\n${row({ pin_id: 'P1', kind: 'admin-pin' })}\n`, { kind: 'admin-pin' }],
  ['names of zones and languages in another case', `${header}\n${row({ pin_id: 'P1', locale: 'DE-at', time_zone: 'europe/vienna' })}\n`, { locale: 'de-AT', timeZone: 'Europe/Vienna' }],
  ['quotes around every cell', text.replaceAll(/[^,\n]+/g, '"$&"'), {}],
]

describe('what looks odd and is right is taken', () => {
  it.each(odd)('%s', async (_, content, taken) => {
    const { table, rejected } = await importContent(content)
    expect(rejected).toEqual([])
    expect(table.pins.get('P1')).toMatchObject(taken)
  })
})
