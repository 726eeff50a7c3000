import { PassThrough } from 'node:stream'
import { stripVTControlCharacters, styleText } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { facts, table, visible, visibleLines, wantsColour } from '#cli/output.ts'

describe('text from outside', () => {
  it('shows what a terminal would obey or hide', () => {
    expect(visible('a\u001b[2J\u0007b')).toBe('a\\u{1b}[2J\\u{7}b')
    expect(visible('a\r\n\tb')).toBe('a\\r\\n\\tb')
    expect(visible('a\u202eb\u200bc\u2028d\u009b')).toBe('a\\u{202e}b\\u{200b}c\\u{2028}d\\u{9b}')
    expect(visible('Zoë “Ωmega” 山田')).toBe('Zoë “Ωmega” 山田')
  })

  it('keeps its lines where it may have several', () => {
    expect(visibleLines('one\n  two\u001b')).toBe('one\n  two\\u{1b}')
  })
})

describe('columns', () => {
  it('are as wide as what is seen of their widest cell', () => {
    const red = styleText('red', 'off', { validateStream: false })
    const lines = table(
      ['key', 'is', 'sent'],
      [
        ['a', red, '1'],
        ['long-key', 'on', ''],
      ],
    ).split('\n')
    expect(lines.map(stripVTControlCharacters)).toEqual(['key       is   sent', 'a         off  1', 'long-key  on'])
  })

  it('of facts are at least as wide as asked', () => {
    expect(
      facts([
        ['a', 'x'],
        ['bcd', 'y'],
      ]),
    ).toEqual(['  a    x', '  bcd  y'])
    expect(facts([['a', 'x']], 5)).toEqual(['  a      x'])
  })
})

describe('colour', () => {
  afterEach(() => vi.unstubAllEnvs())
  const stream = (isTTY: boolean) => Object.assign(new PassThrough(), { isTTY, hasColors: () => true })
  const wanted = (color: boolean, isTTY: boolean) =>
    wantsColour({ color }, stream(isTTY) as unknown as NodeJS.WriteStream)

  it('is there on a terminal, and nowhere else', () => {
    vi.stubEnv('NO_COLOR', undefined)
    expect(wanted(true, true)).toBe(true)
    vi.stubEnv('FORCE_COLOR', '1')
    expect(wanted(true, false)).toBe(false)
  })

  it('is never there with NO_COLOR or --no-color', () => {
    vi.stubEnv('FORCE_COLOR', '1')
    expect(wanted(false, true)).toBe(false)
    vi.stubEnv('NO_COLOR', '1')
    expect(wanted(true, true)).toBe(false)
  })
})
