import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseYaml, readText } from '#settings/yaml-source.ts'
import { folderWith, makePipe } from './folder.ts'

const eight = (text: string) => Array(8).fill(text).join()

test('places keys and values by line and column, in lists and behind aliases too', () => {
  const source = parseYaml('a: &x\n  b: [1, 2]\nc: *x\nd:\n', 'f.yaml')
  expect(source.locate(['a', 'b', 1])).toBe('f.yaml:2:10')
  expect(source.locate(['a', 'b'], 'key')).toBe('f.yaml:2:3')
  expect(source.locate(['c', 'b', 0])).toBe('f.yaml:2:7')
})

test('places what is absent at the nearest key above it', () => {
  const source = parseYaml('a:\n  b: 1\n', 'f.yaml')
  expect(source.locate(['a', 'c', 'd'])).toBe('f.yaml:1:1')
  expect(source.locate(['z'])).toBe('f.yaml')
})

test('an empty file, or one of comments, holds no keys', () => {
  for (const text of ['', '# nothing\n', '---\n', '\ufeff']) expect(parseYaml(text, 'f').value).toEqual({})
})

test.each([
  ['two documents', 'a: 1\n---\na: 2\n'],
  ['a tag', 'a: !!js/function "x"\n'],
  ['a list as a key', '? [a]\n: 1\n'],
  ['an alias without an anchor', 'a: *b\n'],
  ['a tab as indentation', 'a:\n\tb: 1\n'],
  ['an alias of itself', 'a: &a [*a]\n'],
  [
    'an alias bomb',
    `a: &a [l,l,l,l,l,l,l,l,l]\nb: &b [${eight('*a')}]\nc: &c [${eight('*b')}]\nd: &d [${eight('*c')}]\ne: [${eight('*d')}]\n`,
  ],
  ['lists in lists', `a: ${'['.repeat(21)}${']'.repeat(21)}\n`],
  ['lists without an end', '['.repeat(60_000)],
  ['lists in lists in a line', `a:\n  ${'- '.repeat(30_000)}`],
  ['a key without a value', 'a:\nb: 1\n'],
])('%s is refused with a place, and does no harm', (_name, text) => {
  const { problems } = parseYaml(text, 'f.yaml')
  expect(problems.length).toBeGreaterThan(0)
  expect(problems.length).toBeLessThanOrEqual(20)
  expect(problems.every(({ where }) => /^f\.yaml(:\d+:\d+)?$/.test(where))).toBe(true)
})

test.each([
  ['lists without an end', '['.repeat(60_000)],
  ['lists in lists in a line', `a:\n  ${'- '.repeat(30_000)}`],
  ['maps in maps', `a: ${'{ a: '.repeat(30)}1${' }'.repeat(30)}\n`],
])('says of %s no more than that they are too deep', (_name, text) => {
  expect(parseYaml(text, 'f.yaml').problems.map(({ message }) => message)).toEqual([
    'expected valid YAML – nested deeper than 20 levels',
  ])
})

test('what follows from one fault is told once', () => {
  const { problems } = parseYaml('a: { b: 1 }\n  c: 1\n  d: 2\n  e: 3\n', 'f.yaml')
  expect(problems.map(({ where }) => where)).toEqual(['f.yaml:2:1'])
})

test('does not wait for a pipe that nobody writes to', () => {
  const folder = folderWith({})
  makePipe(join(folder, 'pipe'))
  expect(() => readText(join(folder, 'pipe'))).toThrow('it is not a regular file')
})

test('does not read what is no text file of a sane size', () => {
  const folder = folderWith({
    long: 'a'.repeat(64 * 1024 + 1),
    fits: 'a'.repeat(64 * 1024),
    latin: Buffer.from([0x66, 0xfc]),
  })
  expect(readText(join(folder, 'fits'))).toHaveLength(64 * 1024)
  expect(() => readText(join(folder, 'long'))).toThrow('longer than 64 KiB')
  expect(() => readText(join(folder, 'latin'))).toThrow()
  expect(() => readText(folder)).toThrow('it is a folder')
  expect(() => readText('/dev/zero')).toThrow('it is not a regular file')
})
