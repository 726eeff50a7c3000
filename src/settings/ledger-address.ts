import { dirname, resolve } from 'node:path'
import { absoluteUrl, databaseUrlExpected, defaultDatabase, isDatabaseUrl } from './backend-url.ts'
import { chooseConfigFile } from './config-file.ts'
import { type Environment, processEnvironment } from './environment.ts'
import { nearest } from './nearest.ts'
import { problem, SettingsError } from './problem.ts'
import { parseYaml, readText, valueAt } from './yaml-source.ts'

/** Where the ledger is, as far as a stop needs to know. */
export interface LedgerAddress {
  /** An absolute `file:` URL or a `postgres://` URL. Unmasked. */
  readonly database: string
  readonly warnings: readonly string[]
}

export interface LedgerAddressSources {
  /** What `--config` says. */
  readonly configFile?: string | undefined
  readonly cwd?: string
  readonly env?: Environment
}

/** The names of `database` in the environment. */
export const databaseVariables = ['DATABASE_URL', 'FOREWARN_DATABASE']

/**
 * Finds the ledger for a stop, which must not fail for what it does not need: of the settings only `database` is read, and a broken
 * file is a warning. Throws a `SettingsError` only where the address itself is in doubt: stopping another ledger would be no stop.
 */
export function resolveLedgerAddress(sources: LedgerAddressSources = {}): LedgerAddress {
  const { cwd = process.cwd(), env = processEnvironment() } = sources
  const warnings: string[] = []
  const given = addressInEnvironment(env, cwd, warnings)
  if (given) return { database: absoluteUrl(given, cwd), warnings }

  const { file, isNamed, defaultFolder } = chooseConfigFile(sources.configFile, env, cwd)
  const fallback = absoluteUrl(defaultDatabase, defaultFolder)
  const assume = (why: string) => warnings.push(`THE LEDGER ${fallback} IS ASSUMED, because ${why}`)
  const written = addressInFile(file, isNamed, assume, warnings)
  return { database: written ? absoluteUrl(written, dirname(file)) : fallback, warnings }
}

function addressInEnvironment(env: Environment, cwd: string, warnings: string[]): string | null {
  const names = databaseVariables.flatMap((name) => [name, `${name}_FILE`]).filter((name) => env[name]?.trim())
  const addresses = names.map((name) => {
    const text = env[name] ?? ''
    const address = name.endsWith('_FILE') ? readSecret(resolve(cwd, text), name) : text
    return checked(address, `environment ${name}`)
  })
  const [address] = addresses
  if (new Set(addresses).size > 1) fail(`environment ${names.join(' and ')}`, 'one of these, not both')
  if (names.length > 1) warnings.push(`${names.join(' and ')} are both set, and say the same`)
  return address ?? null
}

/** null: the file says nothing of the ledger, or cannot be read; `assume` then says why the default is taken, unless that is as it should be. */
function addressInFile(
  file: string,
  isNamed: boolean,
  assume: (why: string) => void,
  warnings: string[],
): string | null {
  let text: string
  try {
    text = readText(file, false)
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    const reason = error instanceof Error ? error.message : String(error)
    if (isMissing && isNamed) fail(file, 'a readable settings file', reason)
    if (!isMissing) assume(`the settings file ${file} could not be read: ${reason}`)
    return null
  }

  const source = parseYaml(text, file)
  const written = valueAt(source.value, ['database'])
  const [fault] = source.problems
  if (!fault) {
    if (written !== undefined) return checked(written, source.locate(['database']))
    const misspelt = nearest('database', Object.keys(source.value ?? {}))
    if (misspelt) assume(`${file} has no key database, but a key ${misspelt}`)
    return null
  }

  warnings.push(`the settings file is broken: ${fault.message} (${fault.where})`)
  const lines = addressLines(text)
  if (lines.length > 1) fail(file, 'one key database, not several')
  const address = written === undefined ? lines[0] : written
  if (address !== undefined) return checked(address, file)
  assume(`no key database could be made out in the broken settings file ${file}`)
  return null
}

/** The different values of lines that begin with `database:`, in a text that is not YAML. */
function addressLines(text: string): string[] {
  const values = [...text.matchAll(/^(["']?)database\1[ \t]*:[ \t]+(\S.*)$/gm)].map(([, , rest = '']) => {
    const parsed = parseYaml(rest, '').value
    return typeof parsed === 'string' ? parsed : rest.replace(/\s+#.*$/, '').replace(/^["']|["']?\s*$/g, '')
  })
  return [...new Set(values)]
}

function checked(value: unknown, where: string): string {
  return typeof value === 'string' && isDatabaseUrl(value) ? value : fail(where, databaseUrlExpected, undefined, value)
}

function readSecret(file: string, name: string): string {
  try {
    return readText(file, false).replace(/[\r\n]+$/, '')
  } catch (error) {
    return fail(`environment ${name}`, 'a readable file', error instanceof Error ? error.message : String(error))
  }
}

function fail(where: string, expected: string, reason?: string, found?: unknown): never {
  throw new SettingsError('settings-invalid', [problem({ path: 'database', where, expected, reason, found })])
}
