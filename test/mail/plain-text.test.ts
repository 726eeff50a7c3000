import { expect, it } from 'vitest'
import { layOut, prepareLayout } from '#mail/plain-text.ts'

function laidOut(text: string, slots: readonly string[] = []): string[] {
  return layOut(prepareLayout(text), slots).split('\r\n').slice(0, -1)
}

const long = 'word '.repeat(40).trim()

it('wraps a paragraph at 76 columns', () => {
  const lines = laidOut(long)
  expect(lines.join(' ')).toBe(long)
  expect(lines.map(({ length }) => length)).toEqual([74, 74, 49])
})

it('wraps what stands in a slot like all else', () => {
  expect(laidOut(`begin \u00010\u0002 end`, [long])).toEqual(laidOut(`begin ${long} end`))
})

it('indents the further lines of a list item', () => {
  expect(laidOut(`1. ${long}`)[1]).toMatch(/^ {3}word/)
  expect(laidOut(`- ${long}`)[1]).toMatch(/^ {2}word/)
})

it('never breaks an address, even one longer than a line', () => {
  const url = `https://example.com/${'path-'.repeat(30)}`
  expect(laidOut(`${long} ${url} ${long}`)).toContain(url)
})

it('breaks a word that is longer than a line', () => {
  const lines = laidOut('x'.repeat(200))
  expect(lines.join('')).toBe('x'.repeat(200))
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(76)
})

it('counts wide characters as two columns, and begins no line with a closing mark', () => {
  const lines = laidOut('「お客様の発信者番号」。'.repeat(20))
  expect(lines.length).toBeGreaterThan(5)
  for (const line of lines) {
    expect(line.length).toBeLessThanOrEqual(38)
    expect(line).not.toMatch(/^[」。]/)
  }
})

it('underlines the line above, also when it holds a slot', () => {
  expect(laidOut('Heading\n---')).toEqual(['Heading', '-------'])
  expect(laidOut('On \u00010\u0002\n---', ['Monday'])).toEqual(['On Monday', '---------'])
  expect(laidOut('Text\n\n---')).toEqual(['Text', '', '-'.repeat(76)])
})

it('keeps one of several empty lines, and none at the ends', () => {
  expect(laidOut('\n\na\n\n\n\u00010\u0002\n\n\nb\n\n', ['x'])).toEqual(['a', '', 'x', '', 'b'])
})
