import { dirname, resolve } from 'node:path'
import { absoluteUrl } from './backend-url.ts'
import { chooseConfigFile } from './config-file.ts'
import { type Environment, processEnvironment } from './environment.ts'
import { settingKeys } from './keys.ts'
import { type Override, readOverrides } from './overrides.ts'
import { type Problem, problem, SettingsError } from './problem.ts'
import { type ParsedSettings, settingsSchema } from './schema.ts'
import { schemaProblems } from './schema-problems.ts'
import { type KeyPath, parseYaml, readText, valueAt, type YamlSource } from './yaml-source.ts'

/** All settings, checked. Paths are absolute, `file:` URLs too. */
export interface Settings extends Omit<ParsedSettings, 'portal'> {
  readonly portal: {
    readonly url: string
    readonly relation: string
    /** null: the own table never grows too old. */
    readonly maxAgeMs: number | null
  }
}

/** Settings, and where each came from. */
export interface LoadedSettings {
  readonly settings: Settings
  /** Key name → `flag`, `environment NAME`, `file PATH:LINE` or `default`. */
  readonly origins: Readonly<Record<string, string>>
  /** Key name → the value as it was written, with absolute paths. Unmasked. */
  readonly values: Readonly<Record<string, unknown>>
  /** null when there is none and all are defaults. */
  readonly file: string | null
  readonly warnings: readonly string[]
}

export interface SettingsSources {
  /** What `--config` says. */
  readonly configFile?: string | undefined
  /** By key name, e.g. `{ 'log.level': 'debug' }`; undefined counts as not given. */
  readonly flags?: Readonly<Record<string, unknown>>
  readonly cwd?: string
  readonly env?: Environment
}

/**
 * Reads all settings: a flag wins over the environment, that over the file, that over the default.
 * Throws one `SettingsError` that names everything that is wrong.
 */
export function loadSettings(sources: SettingsSources = {}): LoadedSettings {
  const { flags = {}, cwd = process.cwd(), env = processEnvironment() } = sources
  const { file, isNamed, defaultFolder } = chooseConfigFile(sources.configFile, env, cwd)
  const source = readSource(file, isNamed)
  const overrides = readOverrides(flags, env, cwd)

  const problems = [...source.problems, ...overrides.problems]
  // Of a file that cannot be read, no key may be called missing.
  if (source.value === undefined) throw new SettingsError('settings-invalid', problems)
  const tree = withOverrides(source.value, overrides.values)
  const parsed = settingsSchema.safeParse(tree)
  if (!parsed.success) {
    const where = (path: KeyPath, part: 'key' | 'value') =>
      originOf(path, overrides.values) ?? source.locate(path, part)
    const told = problems.map(({ path }) => path)
    const wrong = schemaProblems(parsed.error, settingsSchema, tree, where)
    problems.push(...wrong.filter(({ path }) => !told.includes(path)))
  }
  if (problems.length > 0 || !parsed.success) throw new SettingsError('settings-invalid', problems)

  const origins = Object.fromEntries(
    settingKeys.map(({ name, path }) => {
      const inFile = valueAt(source.value, path) !== undefined
      const written = inFile ? `file ${source.locate(path, 'key').replace(/:\d+$/, '')}` : 'default'
      return [name, overrides.values.get(name)?.origin ?? written]
    }),
  )
  const folderOf = (name: string) => {
    if (overrides.values.has(name)) return cwd
    return origins[name] === 'default' ? defaultFolder : dirname(file)
  }
  const settings = withAbsolutePaths(parsed.data, folderOf)
  const values = Object.fromEntries(
    settingKeys.map((key) => [key.name, orDefault(valueAt(tree, key.path), key.default)]),
  )
  const { database, campaigns, templates } = settings
  return {
    settings,
    origins,
    values: { ...values, database, campaigns, templates, 'portal.url': settings.portal.url },
    file: source.isMissing ? null : source.file,
    warnings: overrides.warnings,
  }
}

function withAbsolutePaths(parsed: ParsedSettings, folderOf: (key: string) => string): Settings {
  const { url, relation, maxAge } = parsed.portal
  return {
    ...parsed,
    database: absoluteUrl(parsed.database, folderOf('database')),
    portal: { url: absoluteUrl(url, folderOf('portal.url')), relation, maxAgeMs: maxAge },
    campaigns: resolve(folderOf('campaigns'), parsed.campaigns),
    templates: resolve(folderOf('templates'), parsed.templates),
  }
}

/** The settings file; an empty one in its place when nobody named it and there is none. */
function readSource(file: string, isNamed: boolean): YamlSource & { readonly isMissing: boolean } {
  try {
    return { ...parseYaml(readText(file), file), isMissing: false }
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (isMissing && !isNamed) return { ...parseYaml('', file), isMissing }
    const reason = error instanceof Error ? error.message : String(error)
    const fault: Problem = problem({ path: '', where: file, expected: 'a readable settings file', reason })
    return { file, value: undefined, problems: [fault], locate: () => file, isMissing }
  }
}

/** A copy of the file's value with the overrides in it. Where the file has no group to put one into, the file's fault stays to be told. */
function withOverrides(value: unknown, overrides: ReadonlyMap<string, Override>): unknown {
  const tree = structuredClone(value)
  for (const [name, override] of overrides) {
    const path = name.split('.')
    const key = path.pop() ?? ''
    const group = path.reduce<unknown>((outer, step) => {
      if (!isGroup(outer)) return undefined
      outer[step] ??= {}
      return outer[step]
    }, tree)
    if (isGroup(group)) group[key] = override.value
  }
  return tree
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** null is a value of its own. */
function orDefault(value: unknown, fallback: unknown): unknown {
  return value === undefined ? fallback : value
}

function originOf(path: KeyPath, overrides: ReadonlyMap<string, Override>): string | null {
  for (let length = path.length; length > 0; length--) {
    const override = overrides.get(path.slice(0, length).join('.'))
    if (override) return override.origin
  }
  return null
}
