import { resolve } from 'node:path'
import type { Environment } from './environment.ts'
import { type SettingKey, settingKeys } from './keys.ts'
import { suggestion } from './nearest.ts'
import { type Problem, problem } from './problem.ts'
import { parseYaml, readText } from './yaml-source.ts'

/** A value that a flag or an environment variable gives. */
export interface Override {
  readonly value: unknown
  /** `flag` or `environment NAME` */
  readonly origin: string
}

export interface Overrides {
  /** By the key's name. */
  readonly values: ReadonlyMap<string, Override>
  readonly problems: readonly Problem[]
  readonly warnings: readonly string[]
}

/** Variables of ours that are no keys. */
const otherVariables = ['FOREWARN_CONFIG', 'FOREWARN_ACTOR']

/** Values given beside the file: flags by key name, over the environment. Relative paths of `_FILE` variables start at `cwd`. */
export function readOverrides(flags: Readonly<Record<string, unknown>>, env: Environment, cwd: string): Overrides {
  const links = Object.keys(env).filter((name) => isServiceLink(name, env))
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !links.includes(name)))
  const empty = settingKeys.flatMap(namesOf).filter((name) => own[name]?.trim() === '')
  const warnings = [
    ...links.map((name) => `${name} looks like a link that Kubernetes makes for a Service: it is ignored`),
    ...empty.map((name) => `${name} is set but empty: it counts as not set`),
  ]

  const values = new Map<string, Override>()
  const problems: Problem[] = []
  const add = (key: SettingKey, read: Override | Problem | null) => {
    if (read === null) return
    if ('origin' in read) values.set(key.name, read)
    else problems.push(read)
  }
  for (const key of settingKeys) add(key, fromEnvironment(key, own, cwd))
  for (const [name, given] of Object.entries(flags)) {
    const key = settingKeys.find((known) => known.name === name)
    if (!key) throw new Error(`no setting is called ${name}`)
    if (given !== undefined)
      add(key, typeof given === 'string' ? readValue(key, given, 'flag') : { value: given, origin: 'flag' })
  }
  return { values, problems: [...problems, ...unknownVariables(own)], warnings }
}

function namesOf(key: SettingKey): string[] {
  return key.variables.flatMap((name) => [name, `${name}_FILE`])
}

function fromEnvironment(key: SettingKey, env: Environment, cwd: string): Override | Problem | null {
  const given = namesOf(key).filter((name) => env[name]?.trim())
  const [name, ...others] = given
  if (name === undefined) return null
  const where = `environment ${given.join(' and ')}`
  if (others.length > 0) return problem({ path: key.name, where, expected: 'one of these, not both' })

  const text = env[name] ?? ''
  if (!name.endsWith('_FILE')) return readValue(key, text, where)
  const secret = readSecret(resolve(cwd, text))
  if (typeof secret === 'string') return readValue(key, secret, where)
  return problem({ path: key.name, where, expected: 'a readable file', reason: secret.reason })
}

function unknownVariables(env: Environment): Problem[] {
  const known = [...settingKeys.flatMap(namesOf), ...otherVariables]
  const unknown = Object.keys(env).filter((name) => name.startsWith('FOREWARN_') && !known.includes(name))
  return unknown.map((name) => {
    return problem({
      path: '',
      where: `environment ${name}`,
      expected: 'a known variable',
      reason: suggestion(name, known),
    })
  })
}

function readValue(key: SettingKey, text: string, origin: string): Override | Problem {
  if (key.isText) return { value: key.isNullable && text === 'null' ? null : text, origin }
  const { value, problems } = parseYaml(text, origin)
  if (problems.length === 0) return { value, origin }
  return problem({ path: key.name, where: origin, expected: key.expected, found: text })
}

/** A secret's file without the line break at its end. */
function readSecret(file: string): string | { reason: string } {
  try {
    const text = readText(file).replace(/[\r\n]+$/, '')
    // As YAML nothing would be null, and null often means "without a limit".
    return text.trim() === '' ? { reason: 'it is empty' } : text
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
}

/**
 * Kubernetes gives each container variables for each Service of its namespace: a Service named `forewarn-web` sets
 * `FOREWARN_WEB_PORT=tcp://10.0.0.1:80`, which is nobody's setting.
 */
function isServiceLink(name: string, env: Environment): boolean {
  if (env.KUBERNETES_SERVICE_HOST === undefined || !name.startsWith('FOREWARN_')) return false
  if (name.endsWith('_PORT')) return /^(tcp|udp|sctp):\/\//.test(env[name] ?? '')
  return /_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name)
}
