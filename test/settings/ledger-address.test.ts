import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { settingKeys } from '#settings/keys.ts'
import { databaseVariables, type LedgerAddressSources, resolveLedgerAddress } from '#settings/ledger-address.ts'
import { loadSettings } from '#settings/load.ts'
import { folderWith } from './folder.ts'

/** The address for a settings file, relative to the working directory, and what was warned of. */
function resolved(
  file: string | Uint8Array | null,
  sources: LedgerAddressSources = {},
): { address: string; warnings: string } {
  const cwd = folderWith(file === null ? {} : { 'config/forewarn.yaml': file })
  const { database, warnings } = resolveLedgerAddress({ cwd, env: {}, ...sources })
  return { address: database.replace(`${cwd}/`, ''), warnings: warnings.join('\n').replaceAll(`${cwd}/`, '') }
}

test('finds the same ledger as the service does', () => {
  const required = 'mail: { from: a@example.com, replyTo: b@example.com }\n'
  const files = [required, `${required}database: file:mine.db\n`, `${required}database: 'postgres://h/d'\n`]
  const environments = [{}, { DATABASE_URL: 'file:env.db' }, { FOREWARN_DATABASE_FILE: 'secret' }]
  for (const file of files) {
    for (const env of environments) {
      const cwd = folderWith({ 'etc/other.yaml': file, secret: 'postgres://u:p@h/d\n' })
      for (const configFile of ['etc/other.yaml', undefined]) {
        const sources = { cwd, env, configFile }
        const mail = { FOREWARN_MAIL_FROM: 'a@example.com', FOREWARN_MAIL_REPLY_TO: 'b@example.com' }
        const { settings } = loadSettings({ ...sources, env: { ...env, ...mail } })
        expect(resolveLedgerAddress(sources)).toEqual({ database: settings.database, warnings: [] })
      }
    }
  }
  expect(settingKeys.find(({ name }) => name === 'database')?.variables).toEqual(databaseVariables)
})

test('what else is wrong in the settings does not matter', () => {
  const file = 'database: file:mine.db\nmail: 5\nno-such-key: 1\nqueue: mysql://x\n'
  const env = { FOREWARN_NO_SUCH: '1', QUEUE_URL: 'x', FOREWARN_QUEUE: 'y' }
  expect(resolved(file, { env })).toEqual({ address: 'file:config/mine.db', warnings: '' })
})

test.each([
  ['an open bracket', 'mail: [\ndatabase: file:mine.db # ours\nlog: }\n'],
  ['a tab', 'mail:\n\tfrom: x\n"database" : "file:mine.db"\n'],
  ['an open quote in the very line', "mail: {\ndatabase: 'file:mine.db\n"],
  ['another key without a value', 'queue:\ndatabase: >-\n  file:mine.db\n'],
  ['another key twice', 'database: file:mine.db\nweb: {}\nweb: {}\n'],
  ['the key twice with one value', 'database: file:mine.db\ndatabase: file:mine.db\n'],
  ['JSON with a key twice', '{ "database": "file:mine.db", "web": {}, "web": {} }'],
  ['Windows line ends', 'mail: [\r\ndatabase: file:mine.db\r\n'],
])('finds the address in a broken file: %s', (_name, file) => {
  const { address, warnings } = resolved(file)
  expect(address).toBe('file:config/mine.db')
  expect(warnings).toContain('the settings file is broken')
})

test('finds the address in a file that is not UTF-8', () => {
  const file = Buffer.from('mail: { from: M\u00fcller }\ndatabase: file:mine.db\n', 'latin1')
  expect(resolved(file).address).toBe('file:config/mine.db')
})

test('the environment wins over a broken file', () => {
  const env = { DATABASE_URL: 'postgres://h/d' }
  expect(resolved('][', { env })).toEqual({ address: 'postgres://h/d', warnings: '' })
  expect(resolved(null, { env, configFile: 'typo.yaml' }).address).toBe('postgres://h/d')
})

test.each([
  ['a broken file without the key', '][\n'],
  ['a mistyped key', 'databse: file:mine.db\n'],
  ['a file that is too long', `# ${'x'.repeat(70_000)}\ndatabase: file:mine.db\n`],
])('says loudly which ledger it assumes: %s', (_name, file) => {
  const { address, warnings } = resolved(file)
  expect(address).toBe('file:data/forewarn.db')
  expect(warnings).toMatch(/THE LEDGER file:data\/forewarn\.db IS ASSUMED, because .*config\/forewarn\.yaml/)
})

test('without a file the default is as it should be', () => {
  expect(resolved(null)).toEqual({ address: 'file:data/forewarn.db', warnings: '' })
})

test.each<[string, string | null, LedgerAddressSources]>([
  ['the address is none', 'database: mysql://u:hunter2@h/d\n', {}],
  ['the address is none, in a broken file', '][\ndatabase: mysql://u:hunter2@h/d\n', {}],
  ['the address is no text', 'database: [file:a]\n', {}],
  ['the address is no text, and a key stands twice', 'database: [file:a]\nweb: {}\nweb: {}\n', {}],
  ['the address is empty', 'database:\n', {}],
  ['the file says two addresses', 'database: file:a\ndatabase: file:b\n', {}],
  ['the variable is none', null, { env: { DATABASE_URL: 'hunter2:hunter2@h' } }],
  ['two variables differ', null, { env: { DATABASE_URL: 'file:a', FOREWARN_DATABASE: 'file:b' } }],
  ['the secret cannot be read', 'database: file:a\n', { env: { DATABASE_URL_FILE: 'missing' } }],
  ['the named file does not exist', null, { configFile: 'typo.yaml' }],
])('refuses when the address itself is in doubt: %s', (_name, file, sources) => {
  let message = ''
  try {
    resolved(file, sources)
  } catch (error) {
    message = String(error)
  }
  expect(message).toMatch(/database: expected/)
  expect(message).not.toContain('hunter2@')
})

test('two variables that say the same are no reason not to stop', () => {
  const { address, warnings } = resolved(null, { env: { DATABASE_URL: 'file:/a', FOREWARN_DATABASE: 'file:/a' } })
  expect([address, warnings]).toEqual(['file:/a', expect.stringContaining('DATABASE_URL and FOREWARN_DATABASE')])
})

test('a stop does not wait for zod and the schema to load', () => {
  const seen = new Set<string>()
  const visit = (module: URL) => {
    if (seen.has(module.href)) return
    seen.add(module.href)
    for (const [, name = ''] of readFileSync(module, 'utf8').matchAll(/^import .*?from '(.+?)'|^} from '(.+?)'/gm)) {
      expect(name).not.toBe('zod')
      if (name.startsWith('.')) visit(new URL(name, module))
    }
  }
  visit(new URL('../../src/settings/ledger-address.ts', import.meta.url))
  expect(
    [...seen].map((href) => fileURLToPath(href)).some((file) => file.endsWith(join('settings', 'yaml-source.ts'))),
  ).toBe(true)
})
