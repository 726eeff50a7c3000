import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ForewarnError } from '#core/errors.ts'
import { loadCampaign, loadCampaigns, parseCampaign } from '#settings/campaign-file.ts'
import { SettingsError } from '#settings/problem.ts'
import { folderWith } from './folder.ts'

const required = `key: soft-pin
template: soft-pin
stages: [30d, 14d, 7d, 1d, expired]
links: { allow: [example.com] }
facts: { docsUrl: 'https://example.com/docs', genuineUrl: null }
`

/** The problems of a campaign that is right but for some lines, each as `PATH LINE:COLUMN` and what it says. */
function problemsOf(lines: string): string[] {
  const keys = new Set([...lines.matchAll(/^(\w+):/gm)].map(([, key]) => key))
  const rest = required.split('\n').filter((line) => !keys.has(line.split(':')[0]))
  const { campaign, problems } = parseCampaign(`${lines}\n${rest.join('\n')}`, 'f.yaml')
  expect(campaign === null).toBe(problems.length > 0)
  return problems.map(
    ({ path, where, message }) => `${path} ${where.replace('f.yaml:', '')} ${message.split(' – ')[1] ?? ''}`,
  )
}

test('the shipped campaign says exactly what the defaults are', () => {
  const file = new URL('../../config/campaigns/soft-pin.yaml', import.meta.url)
  const { campaign, problems } = parseCampaign(readFileSync(file, 'utf8'), 'soft-pin.yaml')
  expect(problems).toEqual([])
  expect(campaign).toEqual({
    key: 'soft-pin',
    template: 'soft-pin',
    pins: { kind: 'caller-pin', accounts: null, percent: 100 },
    schedule: { cron: '*/15 * * * *', timeZone: 'UTC' },
    stages: ['30d', '14d', '7d', '1d', 'expired'],
    window: { days: ['mon', 'tue', 'wed', 'thu', 'fri'], fromMinute: 540, toMinute: 1020 },
    timeZone: 'UTC',
    graceDays: 7,
    spreadDays: 0,
    limit: { perHour: null, perDay: null },
    digest: { list: 100 },
    locales: { default: 'en', allow: null },
    links: { allow: ['example.com'] },
    facts: expect.objectContaining({ docsUrl: expect.stringMatching(/^https:/), genuineUrl: null }),
  })

  const { facts: _, ...defaults } = parseCampaign(required, 'soft-pin.yaml').campaign ?? {}
  expect(campaign).toMatchObject(defaults)
})

test('what is required is missing by name', () => {
  expect(parseCampaign('', 'f.yaml').problems.map(({ path }) => path)).toEqual([
    'key',
    'template',
    'stages',
    'links',
    'facts',
  ])
})

test('without a window the zone of the timetable counts for PINs that have none', () => {
  const { campaign } = parseCampaign(`${required}window: null\nschedule: { timeZone: Europe/Berlin }\n`, 'f.yaml')
  expect([campaign?.window, campaign?.timeZone]).toEqual([null, 'Europe/Berlin'])
})

test('a window is understood to the minute, its days in the order of the week', () => {
  const window = "window: { days: [sun, mon], from: '00:00', to: '24:00', timeZone: Asia/Tokyo }"
  const { campaign } = parseCampaign(`${required}${window}\n`, 'f.yaml')
  expect([campaign?.window, campaign?.timeZone]).toEqual([
    { days: ['mon', 'sun'], fromMinute: 0, toMinute: 1440 },
    'Asia/Tokyo',
  ])
})

test.each([
  'stages: [365d, 1d]',
  'stages: [expired]',
  'spread: 5d',
  'stages: [90d]\nspread: 90d',
  'grace: 0d',
  'pins: { percent: 0 }',
  'pins: { percent: 0.5, accounts: ["4711"] }',
  'schedule: { cron: "0 0 9 * * 1-5" }',
  'schedule: { cron: "0 0 29 2 *" }',
  'locales: { default: pt-br, allow: [en, pt-BR] }',
  'links: { allow: [docs.example.com, xn--bcher-kva.example, localhost] }',
  'facts: {}',
])('takes %s', (lines) => {
  expect(problemsOf(lines)).toEqual([])
})

test.each([
  ['key: Soft_Pin', ['key 1:6 ']],
  ['key: 2026', ['key 1:6 ']],
  ['template: ../secrets', ['template 1:11 ']],
  ['stages: []', ['stages 1:9 ']],
  ['stages: [0d]', ['stages[0] 1:10 ']],
  ['stages: [366d, 07d]', ['stages[0] 1:10 ', 'stages[1] 1:16 ']],
  ['stages: [-1d, 7 d, 1.5d, 7]', ['stages[0] 1:10 ', 'stages[1] 1:15 ', 'stages[2] 1:20 ', 'stages[3] 1:26 ']],
  ['stages: 7d', ['stages 1:9 ']],
  ['stages: [30d, soon]', ['stages[1] 1:15 ']],
  ['stages: [7d, 7d]', ['stages[1] 1:14 it stands twice']],
  ['stages: [7d, 14d]', ['stages[1] 1:14 it must stand before 7d']],
  ['stages: [expired, 7d]', ['stages[1] 1:19 it must stand before expired']],
  ['spread: 6d', ['spread 1:9 the nearest two warnings are only 6d apart']],
  ['stages: [9d]\nspread: 91d', ['spread 2:9 more than 90 days']],
  ['grace: 1w', ['grace 1:8 ']],
  ['grace: 2026-01-01', ['grace 1:8 ']],
  ['spread: -1d', ['spread 1:9 ']],
  ["window: { from: '17:00', to: '17:00' }", ['window.to 1:30 the window is empty']],
  ["window: { from: '17:00', to: '09:00' }", ['window.to 1:30 the window ends before it begins']],
  ["window: { from: '24:00' }", ['window.from 1:17 no such time of day']],
  ["window: { from: '9:00' }", ['window.from 1:17 ']],
  ['window: { days: [] }', ['window.days 1:17 ']],
  ['window: { days: [mon, monday, mon] }', ['window.days[1] 1:23 ', 'window.days[2] 1:31 it stands twice']],
  ['window: { timeZone: Mars/Olympus }', ['window.timeZone 1:21 ']],
  ["schedule: { timeZone: '+02:00' }", ['schedule.timeZone 1:23 ']],
  ["schedule: { cron: '* * * *' }", ['schedule.cron 1:19 it has 4 fields']],
  ["schedule: { cron: '@daily' }", ['schedule.cron 1:19 it has 1 field']],
  ["schedule: { cron: '61 * * * *' }", [expect.stringMatching(/^schedule\.cron 1:19 .*61/)]],
  ["schedule: { cron: '0 0 31 2,4 *' }", ['schedule.cron 1:19 none of its months has such a day: it never comes due']],
  ["schedule: { cron: '' }", ['schedule.cron 1:19 it is empty']],
  ["schedule: { cron: '0 0 * 2 1#5' }", ['schedule.cron 1:19 it comes due in 2044 for the first time']],
  ["schedule: { cron: 'H * * * *' }", ['schedule.cron 1:19 H is not supported']],
  ['pins: { percent: 100.5 }', ['pins.percent 1:18 ']],
  ['pins: { accounts: [] }', ['pins.accounts 1:19 ']],
  ['pins: { accounts: [4711] }', ['pins.accounts[0] 1:20 ']],
  ['limit: { perHour: 0, perDay: 1.5 }', ['limit.perHour 1:19 ', 'limit.perDay 1:30 ']],
  ['digest: { list: 101 }', ['digest.list 1:17 ']],
  ['locales: { default: e_n }', ['locales.default 1:21 no such language tag']],
  ['locales: { default: de, allow: [en] }', ['locales.default 1:21 it is not among locales.allow']],
  ['locales: { allow: [en, EN] }', ['locales.allow[1] 1:24 it stands twice']],
  [
    'links: { allow: [https://example.com, example.com:80, "*.example.com"] }',
    ['links.allow[0] 1:18 ', 'links.allow[1] 1:39 ', 'links.allow[2] 1:55 '],
  ],
  ['facts: { docsUrl: http://example.com }', ['facts.docsUrl 1:19 a name that ends in Url needs an https:// URL']],
  ['facts: { supportEmail: help }', ['facts.supportEmail 1:24 a name that ends in Email needs a mail address']],
  [
    'facts: { note: "", n: 5, bad-name: x }',
    ['facts.note 1:16 ', 'facts.n 1:23 ', 'facts.bad-name 1:36 its name must be made of letters and digits'],
  ],
  ['facts: { note: "a\\0b" }', ['facts.note 1:16 ']],
  ['pins: { percent: 50%, kind: on }', ['pins.percent 1:18 ']],
  ['mailto: x', ['mailto 1:1 ']],
  ['<<: { spread: 1d }', ['<< 1:1 YAML 1.2 has no merge keys']],
  ['windw: null', ['windw 1:1 did you mean window?']],
  ['graec: 7d', ['graec 1:1 did you mean grace?']],
  ['sched: {}', ['sched 1:1 did you mean schedule?']],
])('refuses %s', (lines, problems) => {
  expect(problemsOf(lines)).toEqual(problems)
})

test('all that is wrong is told at once, also what only contradicts', () => {
  const told = problemsOf(
    'key: A\nspread: 6d\npins: { percent: -1 }\nlocales: { default: de, allow: [en] }\nfacts: { aUrl: x, b: 5 }',
  )
  expect(told.map((it) => it.split(' ')[0])).toEqual([
    'key',
    'pins.percent',
    'facts.b',
    'facts.aUrl',
    'spread',
    'locales.default',
  ])
})

test.each([
  ['window:', 'window has no value'],
  ['limit:\n  perHour: # 500', 'perHour has no value'],
  ['pins: { accounts: }', 'accounts has no value'],
])('a key without a value is refused, since null would mean "without a limit": %s', (lines, reason) => {
  expect(problemsOf(lines)).toEqual([expect.stringContaining(reason)])
})

test('reads the campaigns of a folder in order, with their text, whatever the file is called', () => {
  const other = required.replace('key: soft-pin', 'key: another')
  const folder = folderWith({
    'soft-pin.yaml': required,
    'x.yml': other,
    'README.md': 'no',
    '.hidden.yaml': 'no',
    'a/b.yaml': 'no',
  })
  const { campaigns, problems } = loadCampaigns(folder)
  expect(campaigns.map(({ campaign, file, text }) => [campaign.key, file, text])).toEqual([
    ['another', join(folder, 'x.yml'), other],
    ['soft-pin', join(folder, 'soft-pin.yaml'), required],
  ])
  expect(problems).toEqual([])
})

test('a broken file does not hide the other campaigns', () => {
  const folder = folderWith({
    'soft-pin.yaml': required,
    'folder.yaml/x': '',
    'broken.yaml': 'key: broken\nstages: [1d\n',
    'latin.yaml': Buffer.from([0x61, 0xfc]),
  })
  const { campaigns, problems } = loadCampaigns(folder)
  expect(campaigns.map(({ campaign }) => campaign.key)).toEqual(['soft-pin'])
  expect(new Set(problems.map(({ where }) => where.split(':')[0]))).toEqual(
    new Set(['broken.yaml', 'latin.yaml', 'folder.yaml'].map((name) => join(folder, name))),
  )
  expect(loadCampaign(folder, 'soft-pin').campaign.key).toBe('soft-pin')
})

test('of two files with one key neither counts', () => {
  const folder = folderWith({ 'a.yaml': required, 'b.yaml': `spread: 99d\n${required}` })
  const { campaigns, problems } = loadCampaigns(folder)
  expect(campaigns).toEqual([])
  const places = problems.filter(({ path }) => path === 'key').map(({ where }) => where)
  expect(places).toEqual([join(folder, 'a.yaml:1:6'), join(folder, 'b.yaml:2:6')])
  expect(() => loadCampaign(folder, 'soft-pin')).toThrow('b.yaml')
})

test('a missing folder is a problem, an empty one is not', () => {
  const folder = folderWith({})
  expect(loadCampaigns(folder).problems).toEqual([])
  expect(loadCampaigns(join(folder, 'none')).problems.map(({ where }) => where)).toEqual([join(folder, 'none')])
})

test.each([
  ['its key can be read', 'x.yaml', 'key: soft-pin\nstages: 5\n'],
  ['only its name tells', 'soft-pin.yaml', '][\n'],
])('a broken campaign that is asked for is refused with all its problems: %s', (_name, file, text) => {
  const error = thrown(() => loadCampaign(folderWith({ [file]: text, 'other.yaml': 'key: other\n' }), 'soft-pin'))
  expect(error).toBeInstanceOf(SettingsError)
  expect([error.code, error.exitCode]).toEqual(['campaign-invalid', 2])
  expect(error.message).toContain(file)
  expect(error.message).not.toContain('other.yaml')
})

test('a campaign that does not exist is called unknown, and the nearest is named', () => {
  const error = thrown(() => loadCampaign(folderWith({ 'soft-pin.yaml': required }), 'softpin'))
  expect([error.code, error.hint]).toEqual(['campaign-unknown', 'Did you mean soft-pin?'])
})

function thrown(run: () => unknown): ForewarnError {
  try {
    run()
  } catch (error) {
    if (error instanceof ForewarnError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
