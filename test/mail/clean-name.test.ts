import { expect, it } from 'vitest'
import { cleanName } from '#mail/clean-name.ts'

it.each([
  ['Maria Schmidt', 'Maria Schmidt'],
  ['Jean-Luc O’Neill', 'Jean-Luc O’Neill'],
  ['Dr. J. R. Żubr Sp. z o.o.', 'Dr. J. R. Żubr Sp. z o.o.'],
  ['  田中　愛子 ', '田中 愛子'],
  ['👩‍👩‍👧 Family', '👩‍👩‍👧 Family'],
])('leaves the name %j as people write it', (name, shown) => {
  expect(cleanName(name)).toBe(shown)
})

it.each([
  ['line breaks', 'Ann\r\nBcc: all@x', 'Ann Bcc: all @ x'],
  ['line separators', 'Ann\u2028Lee\u0085X', 'Ann Lee X'],
  ['marks that turn text around', '\u202eAnn\u2066 \u200fLee\u2069', 'Ann Lee'],
  ['invisible characters', 'A\u200bn\ufeffn\u00ad', 'Ann'],
  ['half of a surrogate pair', 'Ann \ud800', 'Ann \ufffd'],
])('frees a name of %s', (_, name, shown) => {
  expect(cleanName(name)).toBe(shown)
})

it.each([
  'https://evil.example/x',
  'www.evil.example',
  'evil.example',
  'Call evil.co.uk now',
  'a@evil.example',
  'пример.рф',
  'x。evil',
])('leaves nothing in %j that a mail program would make a link of', (name) => {
  expect(cleanName(name)).not.toMatch(/\p{L}:\/\/|\S[.．。｡][\p{L}\p{N}]{2}|\S@\S/u)
})

it('cuts a name at 80 characters, never within one that is seen as a whole', () => {
  expect(cleanName('x'.repeat(80))).toBe('x'.repeat(80))
  expect(cleanName('x'.repeat(81))).toBe(`${'x'.repeat(79)}…`)
  expect(cleanName(`${'x'.repeat(75)}👩‍👩‍👧👩‍👩‍👧`)).toBe(`${'x'.repeat(75)}…`)
  expect(cleanName('. '.repeat(300))?.length).toBeLessThanOrEqual(80)
})

it.each([null, '', ' \u200b\r\n '])('knows that %j is no name', (name) => {
  expect(cleanName(name)).toBeNull()
})
