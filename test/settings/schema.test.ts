import { expect, test } from 'vitest'
import { settingKeys } from '#settings/keys.ts'
import { settingsSchema } from '#settings/schema.ts'
import { pathText } from '#settings/schema-problems.ts'

/** Of every key: values that are just right, and values that are just wrong. `undefined` alone: the key is free text. */
const bounds: Readonly<Record<string, { right: readonly unknown[]; wrong: readonly unknown[] }>> = {
  database: {
    right: [
      'file:a.db',
      'file:/a b.db',
      'file:///a.db',
      'postgres://h/d',
      'postgresql://u:p%40@h:5432/d?sslmode=require',
    ],
    wrong: [
      'a.db',
      'file:',
      'file:a/',
      'file://host/a.db',
      'file:a.db?mode=memory',
      'file::memory:',
      'file:a\nb',
      'postgres:',
      'postgres://',
      'postgres://h:port/d',
      'postgres://u:p@ss word@h/d',
      'redis://h',
      'sqlite:a.db',
      null,
      5,
    ],
  },
  queue: {
    right: ['embedded:', 'redis://h', 'rediss://:p@h:6380/1', 'postgres://h/d', 'postgresql://h/d'],
    wrong: ['embedded', 'embedded:x', 'file:a.db', 'own:', 'http://h', 'REDIS:h'],
  },
  'portal.url': { right: ['own:', 'file:p.db', 'postgres://h/d'], wrong: ['own', 'embedded:', 'redis://h', ''] },
  'portal.relation': {
    right: ['pins', 'partner.pins_v2'],
    wrong: ['pins; drop table pin', 'a.b.c', '1pins', '"pins"', 'a'.repeat(64)],
  },
  'portal.maxAge': {
    right: ['1m', '60s', '24h', '366d', null],
    wrong: ['0h', '59s', '367d', '24', 24, '24 h', '-1h', '1.5h', 'PT24H', ''],
  },
  campaigns: { right: ['./c', '/c', 'with space'], wrong: ['', 'a\nb', null, ['c']] },
  templates: { right: ['../t'], wrong: ['', 5] },
  'mail.from': {
    right: ['a@example.com', '"A, B" <a@example.com>'],
    wrong: ['', 'A', 'a@example.com, b@example.com', 'A <a@example.com>\r\nBcc: b@example.com', null],
  },
  'mail.replyTo': { right: ['a@example.com'], wrong: ['a@', undefined] },
  'mail.configurationSet': { right: [null, 'a-b_C1'], wrong: ['', 'a b', 'a'.repeat(65)] },
  'mail.rate.perSecond': {
    right: [null, 0.0001, 0.5, 10_000],
    wrong: [0, -1, 10_001, '10', Number.NaN, Number.POSITIVE_INFINITY],
  },
  'mail.rate.reserve': { right: [0, 0.999], wrong: [1, -0.1, null, '30%'] },
  'mail.concurrency': { right: [1, 1000], wrong: [0, 1001, 1.5, null] },
  'mail.timeoutMs': { right: [10, 60_000], wrong: [9, 60_001, '8s', null] },
  'resume.factor': { right: [0.001, 1], wrong: [0, 1.1] },
  'resume.minutes': { right: [0, 0.5, 1440], wrong: [-1, 1441] },
  'caps.perAddressPerDay': { right: [1, 1000, null], wrong: [0, 1001, 1.5] },
  'web.host': {
    right: ['127.0.0.1', '0.0.0.0', '::', '::1', 'localhost'],
    wrong: ['', 'http://localhost', 'localhost:80', '[::1]', '999.1.1.1'],
  },
  'web.port': { right: [0, 65_535], wrong: [-1, 65_536, 80.5, '80', null] },
  'web.publicUrl': {
    right: [null, 'http://h:8080', 'https://h/sub/'],
    wrong: ['h', 'ftp://h', 'https://u:p@h', 'https://h?a=1', 'https://h#a', ''],
  },
  'preview.port': { right: [0], wrong: [65_536] },
  'preview.testRecipients': {
    right: [[], ['a@example.com']],
    wrong: ['a@example.com', ['A <a@example.com>'], ['a'], null, Array(101).fill('a@example.com')],
  },
  'retention.addressDays': { right: [1, 3650], wrong: [0, 3651, null] },
  'log.level': { right: ['debug', 'info', 'warn', 'error'], wrong: ['trace', 'INFO', '', null] },
}

test('the bounds of every key are written down here', () => {
  expect(Object.keys(bounds)).toEqual(settingKeys.map(({ name }) => name))
})

const cases = (side: 'right' | 'wrong') =>
  Object.entries(bounds).flatMap(([name, { [side]: values }]) => values.map((value) => [name, value] as const))

test.each(cases('right'))('%s takes %j', (name, value) => {
  expect(faults(name, value)).toEqual([])
})

test.each(cases('wrong'))('%s refuses %j', (name, value) => {
  const found = faults(name, value)
  expect(found.length).toBeGreaterThan(0)
  expect(found.every((path) => path === name || path.startsWith(`${name}[`))).toBe(true)
})

function faults(name: string, value: unknown): string[] {
  const file: Record<string, unknown> = { mail: { from: 'a@example.com', replyTo: 'b@example.com' } }
  const path = name.split('.')
  const key = path.pop() ?? ''
  let group = file
  for (const step of path) {
    group[step] ??= {}
    group = group[step] as Record<string, unknown>
  }
  group[key] = value
  return settingsSchema.safeParse(file).error?.issues.map((issue) => pathText(issue.path)) ?? []
}
