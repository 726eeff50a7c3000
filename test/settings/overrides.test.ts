import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Environment } from '#settings/environment.ts'
import { settingKeys } from '#settings/keys.ts'
import { loadSettings } from '#settings/load.ts'
import { SettingsError } from '#settings/problem.ts'
import { folderWith } from './folder.ts'

/** Of every key a value other than the default, as the environment says it and as it is then. */
const examples: Readonly<Record<string, readonly [text: string, value: unknown]>> = {
  database: ['postgres://db/forewarn', 'postgres://db/forewarn'],
  queue: ['rediss://queue', 'rediss://queue'],
  'portal.url': ['postgres://portal', 'postgres://portal'],
  'portal.relation': ['partner.pins', 'partner.pins'],
  'portal.maxAge': ['null', null],
  campaigns: ['/srv/campaigns', '/srv/campaigns'],
  templates: ['/srv/templates', '/srv/templates'],
  'mail.from': ['"Portal: \'yours\'" <a@example.com>', '"Portal: \'yours\'" <a@example.com>'],
  'mail.replyTo': ['b@example.com', 'b@example.com'],
  'mail.configurationSet': ['reminders', 'reminders'],
  'mail.rate.perSecond': ['0.5', 0.5],
  'mail.rate.reserve': ['0', 0],
  'mail.concurrency': ['7', 7],
  'mail.timeoutMs': ['500', 500],
  'resume.factor': ['1', 1],
  'resume.minutes': ['0', 0],
  'caps.perAddressPerDay': ['null', null],
  'web.host': ['::1', '::1'],
  'web.port': ['0', 0],
  'web.publicUrl': ['https://example.com/forewarn', 'https://example.com/forewarn'],
  'preview.port': ['0', 0],
  'preview.testRecipients': ['[a@example.com]', ['a@example.com']],
  'retention.addressDays': ['30', 30],
  'log.level': ['debug', 'debug'],
}

const mail = { FOREWARN_MAIL_FROM: 'a@example.com', FOREWARN_MAIL_REPLY_TO: 'b@example.com' }

function problemsOf(env: Environment, cwd = folderWith({})): string[] {
  try {
    loadSettings({ cwd, env: { ...mail, ...env } })
  } catch (error) {
    if (error instanceof SettingsError) return error.problems.map(({ message, where }) => `${message} (${where})`)
    throw error
  }
  return []
}

test('there is an example of every key', () => {
  expect(Object.keys(examples)).toEqual(settingKeys.map(({ name }) => name))
})

test.each(settingKeys.flatMap((key) => key.variables.map((variable) => [variable, key.name] as const)))(
  '%s sets %s, and so does a file that it names',
  (variable, name) => {
    const [text, value] = examples[name] ?? ['', undefined]
    const cwd = folderWith({ 'secrets/value': `${text}\n` })
    const others: Environment = { ...mail, [variable]: undefined }

    const direct = loadSettings({ cwd, env: { ...others, [variable]: text } })
    expect(direct.values[name]).toEqual(value)
    expect(direct.origins[name]).toBe(`environment ${variable}`)

    const fromFile = loadSettings({ cwd, env: { ...others, [`${variable}_FILE`]: 'secrets/value' } })
    expect(fromFile.values[name]).toEqual(value)
    expect(fromFile.origins[name]).toBe(`environment ${variable}_FILE`)
  },
)

test('the short names are those that everybody uses', () => {
  const short = settingKeys.flatMap(({ name, variables }) =>
    variables.filter((it) => !it.startsWith('FOREWARN_')).map((it) => [name, it]),
  )
  expect(short).toEqual([
    ['database', 'DATABASE_URL'],
    ['queue', 'QUEUE_URL'],
    ['portal.url', 'PORTAL_URL'],
  ])
})

test.each([
  [{ DATABASE_URL: 'file:a', FOREWARN_DATABASE: 'file:a' }, 'DATABASE_URL and FOREWARN_DATABASE'],
  [{ QUEUE_URL: 'embedded:', QUEUE_URL_FILE: 'q' }, 'QUEUE_URL and QUEUE_URL_FILE'],
  [{ FOREWARN_WEB_PORT: '1', FOREWARN_WEB_PORT_FILE: 'p' }, 'FOREWARN_WEB_PORT and FOREWARN_WEB_PORT_FILE'],
  [{ FOREWARN_MAIL_FROM_FILE: 'p' }, 'FOREWARN_MAIL_FROM and FOREWARN_MAIL_FROM_FILE'],
])('two names of one key are refused by name: %o', (env, names) => {
  const [message, ...more] = problemsOf(env)
  expect(message).toContain(names)
  expect(more).toEqual([])
})

test('an unknown variable of ours is refused with the name it may have meant; others are nobody’s business', () => {
  expect(problemsOf({ FOREWARN_MAIL_RATE_PERSECOND: '5', DATABASE: 'x', FOREWARNED: 'x' })).toEqual([
    expect.stringContaining('did you mean FOREWARN_MAIL_RATE_PER_SECOND?'),
  ])
  expect(problemsOf({ FOREWARN_CONFIG_FILE: 'x' })).toEqual([expect.stringContaining('FOREWARN_CONFIG')])
})

test('an empty variable counts as not set, and says so', () => {
  const { origins, warnings } = loadSettings({
    cwd: folderWith({}),
    env: { ...mail, DATABASE_URL: '', FOREWARN_WEB_PORT: ' ' },
  })
  expect([origins.database, origins['web.port']]).toEqual(['default', 'default'])
  expect(warnings).toEqual([expect.stringContaining('DATABASE_URL'), expect.stringContaining('FOREWARN_WEB_PORT')])
})

test('an empty or missing secret file is refused: as YAML, nothing would be null, and that means without a limit', () => {
  const cwd = folderWith({ empty: '\n' })
  expect(problemsOf({ FOREWARN_MAIL_RATE_PER_SECOND_FILE: 'empty' }, cwd)).toEqual([
    expect.stringContaining('it is empty'),
  ])
  expect(problemsOf({ DATABASE_URL_FILE: 'missing' }, cwd)).toEqual([expect.stringContaining(join(cwd, 'missing'))])
})

test.each(['abc', '[1', '"8080"', '8080 9090', '&a 1\n*a', '8080.5'])('%j is no port', (text) => {
  expect(problemsOf({ FOREWARN_WEB_PORT: text })).toEqual([
    expect.stringMatching(/^web\.port: expected a port from 0 to 65535/),
  ])
})

test('what Kubernetes sets for a Service of our name is no setting', () => {
  const links = {
    FOREWARN_WEB_PORT: 'tcp://10.0.0.1:80',
    FOREWARN_WEB_PORT_80_TCP: 'tcp://10.0.0.1:80',
    FOREWARN_WEB_PORT_80_TCP_ADDR: '10.0.0.1',
    FOREWARN_WEB_SERVICE_HOST: '10.0.0.1',
    FOREWARN_WEB_SERVICE_PORT_HTTP: '80',
  }
  const { settings, warnings } = loadSettings({
    cwd: folderWith({}),
    env: { ...mail, ...links, KUBERNETES_SERVICE_HOST: '10.0.0.2' },
  })
  expect(settings.web.port).toBe(8080)
  expect(warnings).toHaveLength(5)
  // Elsewhere they are mistakes.
  expect(problemsOf(links)).toHaveLength(5)
})
