import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type LoadedSettings, loadSettings, type SettingsSources } from '#settings/load.ts'
import { SettingsError } from '#settings/problem.ts'
import { folderWith } from './folder.ts'

const required = 'mail: { from: portal@example.com, replyTo: help@example.com }\n'
const repository = fileURLToPath(new URL('../..', import.meta.url))

function load(file: string | Uint8Array, more: SettingsSources = {}): LoadedSettings {
  return loadSettings({ cwd: folderWith({ 'config/forewarn.yaml': file }), env: {}, ...more })
}

function refusal(sources: SettingsSources): SettingsError {
  try {
    loadSettings({ env: {}, ...sources })
  } catch (error) {
    if (error instanceof SettingsError) return error
    throw error
  }
  throw new Error('the settings were accepted')
}

/** The problems of a file, each as `PATH LINE:COLUMN`. */
function problemsOf(file: string, env: Record<string, string> = {}): string[] {
  const cwd = folderWith({ 'config/forewarn.yaml': file })
  const place = join(cwd, 'config/forewarn.yaml:')
  return refusal({ cwd, env }).problems.map(({ path, where }) => `${path} ${where.replace(place, '')}`)
}

test('a flag wins over the environment, that over the file, that over the default', () => {
  const file = `${required}log: { level: warn }\nweb: { port: 1 }\n`
  const env = { FOREWARN_LOG_LEVEL: 'error' }
  const levelAndOrigin = ({ settings, origins }: LoadedSettings) => [settings.log.level, origins['log.level']]

  expect(levelAndOrigin(load(file, { env, flags: { 'log.level': 'debug' } }))).toEqual(['debug', 'flag'])
  expect(levelAndOrigin(load(file, { env }))).toEqual(['error', 'environment FOREWARN_LOG_LEVEL'])
  expect(levelAndOrigin(load(required))).toEqual(['info', 'default'])

  const fromFile = load(file)
  expect(levelAndOrigin(fromFile)).toEqual(['warn', `file ${fromFile.file}:2`])
  expect(fromFile.origins['web.port']).toBe(`file ${fromFile.file}:3`)
})

test('a flag that is not given changes nothing', () => {
  expect(load(required, { flags: { 'web.port': undefined } }).origins['web.port']).toBe('default')
  expect(load(required, { flags: { 'web.port': '0' } }).settings.web.port).toBe(0)
})

test('the shipped file says exactly what the defaults are, and says it of every key', () => {
  const shipped = loadSettings({ cwd: repository, env: {} })
  const mail = `mail: { from: '"Partner Portal" <portal@example.com>', replyTo: help@example.com }`
  const configFile = join(folderWith({ 'only-required.yaml': mail }), 'only-required.yaml')
  const defaults = loadSettings({ cwd: repository, configFile, env: {} })

  expect(shipped.settings).toEqual(defaults.settings)
  expect(Object.values(shipped.origins).filter((origin) => !origin.startsWith('file '))).toEqual([])
})

test('the defaults are those that operators were promised', () => {
  const cwd = folderWith({ 'config/forewarn.yaml': required })
  expect(loadSettings({ cwd, env: {} }).settings).toEqual({
    database: `file:${join(cwd, 'data/forewarn.db')}`,
    queue: 'embedded:',
    portal: { url: 'own:', relation: 'expiring_pins', maxAgeMs: 24 * 3_600_000 },
    campaigns: join(cwd, 'config/campaigns'),
    templates: join(cwd, 'templates'),
    mail: {
      from: { name: null, address: 'portal@example.com', text: 'portal@example.com' },
      replyTo: { name: null, address: 'help@example.com', text: 'help@example.com' },
      configurationSet: null,
      rate: { perSecond: 10, reserve: 0.3 },
      concurrency: 20,
      timeoutMs: 8000,
    },
    resume: { factor: 0.1, minutes: 5 },
    caps: { perAddressPerDay: 3 },
    web: { host: '127.0.0.1', port: 8080, publicUrl: null },
    preview: { port: 3000, testRecipients: [] },
    retention: { addressDays: 90 },
    log: { level: 'info' },
  })
})

test('without a file the defaults apply, and what is required is missing by name', () => {
  const cwd = folderWith({})
  expect(refusal({ cwd }).problems.map(({ path }) => path)).toEqual(['mail.from', 'mail.replyTo'])

  const env = { FOREWARN_MAIL_FROM: 'a@example.com', FOREWARN_MAIL_REPLY_TO: 'b@example.com' }
  const loaded = loadSettings({ cwd, env })
  expect(loaded.file).toBeNull()
  expect(loaded.settings.database).toBe(`file:${join(cwd, 'data/forewarn.db')}`)
})

test('a file that was named must exist', () => {
  const cwd = folderWith({ 'config/forewarn.yaml': required, 'other.yaml': `${required}queue: redis://other\n` })
  for (const sources of [{ configFile: 'typo.yaml' }, { env: { FOREWARN_CONFIG: 'typo.yaml' } }]) {
    expect(refusal({ cwd, ...sources }).problems.map(({ path, where }) => path + where)).toEqual([
      join(cwd, 'typo.yaml'),
    ])
  }
  expect(loadSettings({ cwd, env: { FOREWARN_CONFIG: 'other.yaml' } }).settings.queue).toBe('redis://other')
  const both = loadSettings({ cwd, configFile: 'other.yaml', env: { FOREWARN_CONFIG: 'typo.yaml' } })
  expect(both.file).toBe(join(cwd, 'other.yaml'))
})

test('paths in the file start at the file, those of the environment and of flags at the working directory', () => {
  const cwd = folderWith({
    'work/here': '',
    'etc/settings.yaml': `${required}database: file:ledger.db\ncampaigns: ../c\nportal: { url: 'file:/abs/portal.db' }\n`,
  })
  const sources = { cwd: join(cwd, 'work'), configFile: '../etc/settings.yaml' }
  const fromFile = loadSettings({ ...sources, env: {} })
  expect(fromFile.settings.database).toBe(`file:${join(cwd, 'etc/ledger.db')}`)
  expect(fromFile.settings.campaigns).toBe(join(cwd, 'c'))
  expect(fromFile.settings.portal.url).toBe('file:/abs/portal.db')
  // A default counts as written in the default file, wherever the named one is.
  expect(fromFile.settings.templates).toBe(join(cwd, 'work/templates'))

  const env = { DATABASE_URL: 'file:mine.db', PORTAL_URL: 'file:./p.db' }
  const { settings, values } = loadSettings({ ...sources, env, flags: { campaigns: 'mine' } })
  expect(settings.database).toBe(`file:${join(cwd, 'work/mine.db')}`)
  expect(settings.portal.url).toBe(`file:${join(cwd, 'work/p.db')}`)
  expect(settings.campaigns).toBe(join(cwd, 'work/mine'))
  expect(values.database).toBe(settings.database)
})

test('all that is wrong is told at once, each with its path and place', () => {
  const file = [
    'databse: hunter2',
    'queue: mysql://host',
    'mail:',
    '  from: "A <a@example.com>, b@example.com"',
    '  rate: { perSecond: 0, reserv: 1 }',
    'caps: null',
    'preview: { testRecipients: [a@example.com, nobody] }',
  ].join('\n')
  expect(problemsOf(file, { FOREWARN_WEB_PORT: '70000', FOREWARN_RESUM_FACTOR: '1' }).sort()).toEqual([
    ' environment FOREWARN_RESUM_FACTOR',
    'caps 6:7',
    'databse 1:1',
    'mail.from 4:9',
    'mail.rate.perSecond 5:22',
    'mail.rate.reserv 5:25',
    'mail.replyTo 3:1',
    'preview.testRecipients[1] 7:44',
    'queue 2:8',
    'web.port environment FOREWARN_WEB_PORT',
  ])
})

test('the message names value, place and what was expected, and what a mistyped key may have meant', () => {
  const cwd = folderWith({ 'config/forewarn.yaml': `${required}log: { level: loud }\nretension: { addressDays: 1 }\n` })
  const { message, code, exitCode } = refusal({ cwd })
  expect([code, exitCode]).toEqual(['settings-invalid', 2])
  expect(message).toContain('log.level: expected debug, info, warn or error, found "loud"')
  expect(message).toContain(join(cwd, 'config/forewarn.yaml:2:15'))
  expect(message).toContain('retension: expected a known key – did you mean retention?')
})

test('no password is shown: not of a right address, not of a mistyped one, not of an unknown key', () => {
  const file = `${required}
database: postgres://me:hunter2@host:port/db
queue: 'redis://:hun "ter2@ho st'
portal: { url: ['redis://me:hun "ter2', 'postgres://h?password=hun"ter2'] }
password: hunter2
databaseUrl: postgres://me:hunter2@host/db
'postgres://me:hunter2@host/db': x
`
  const env = {
    FOREWARN_CAMPAIGNS_FILE: 'redis://me:hunter2@host',
    FOREWARN_SECRET: 'hunter2',
    FOREWARN_WEB_PORT: 'redis://a:hunter2@b',
  }
  const error = refusal({ cwd: folderWith({ 'config/forewarn.yaml': file }), env })
  expect(error.problems).toHaveLength(9)
  expect(JSON.stringify(error.problems) + error.message).not.toMatch(/hunter2|hun|ter2/)
})

test('a broken line is told without its text, which may be a password', () => {
  const cwd = folderWith({
    'config/forewarn.yaml': `${required}database: hunter2: x\n`,
  })
  const { problems, message } = refusal({ cwd })
  expect(problems[0]?.where).toMatch(/forewarn\.yaml:2:\d+$/)
  expect(message).not.toContain('hunter2')
})

test('of a file that is not YAML no key is called missing', () => {
  expect(problemsOf('mail: [\nlog: {}\n').every((problem) => problem.startsWith(' '))).toBe(true)
})

test.each([
  ['a key twice', `${required}log: { level: warn }\nlog: { level: debug }\n`, ' 3:1'],
  ['a key twice in a group', `${required}web: { port: 1, port: 2 }\n`, ' 2:17'],
])('%s is refused, and the rest is checked all the same', (_name, file, place) => {
  expect(problemsOf(`${file}queue: no\n`)).toEqual([place, expect.stringMatching(/^queue /)])
})

test.each([
  ['a list', '[mail]'],
  ['a text', 'mail'],
  ['a number', '5'],
])('%s is no settings file', (_name, file) => {
  expect(refusal({ cwd: folderWith({ 'config/forewarn.yaml': file }) }).message).toContain('expected keys with values')
})

test('an override does not hide that the group in the file is none', () => {
  expect(problemsOf('mail: 5\n', { FOREWARN_MAIL_FROM: 'a@example.com' })).toEqual(['mail 1:7'])
})

test('a value in the file that is overridden is not held against it', () => {
  expect(load(`${required}queue: mysql://old\n`, { env: { QUEUE_URL: 'embedded:' } }).settings.queue).toBe('embedded:')
})

test('does not read a setting that only its prototype has', () => {
  expect(problemsOf(`${required}__proto__: { queue: 'embedded:' }\nconstructor: 1\n`)).toEqual([
    '__proto__ 2:1',
    'constructor 3:1',
  ])
})
