import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { type Environment, processEnvironment } from './environment.ts'

/** Who acts, as the audit names them. */
export interface Actor {
  readonly name: string
  /** Said to the person when the name says little. */
  readonly warning: string | null
}

/** What the machine knows of who runs the process. */
export interface Machine {
  /** null when the user has no name here. */
  userName(): string | null
  isRoot(): boolean
  isContainer(): boolean
}

const maxCharacters = 100

/** `--actor`, else `FOREWARN_ACTOR`, else the user of the operating system. Never throws: a stop waits for nobody's name. */
export function resolveActor(
  flag: string | undefined,
  env: Environment = processEnvironment(),
  machine: Machine = thisMachine(env),
): Actor {
  const given = plain(flag) || plain(env.FOREWARN_ACTOR)
  if (given) return { name: given, warning: null }
  const name = plain(machine.userName() ?? undefined) || 'unknown'
  const isAnybody = machine.isRoot() || machine.isContainer()
  const warning = `the audit will name ${name}: say who acts with --actor NAME or FOREWARN_ACTOR`
  return { name, warning: isAnybody || name === 'unknown' ? warning : null }
}

function thisMachine(env: Environment): Machine {
  return {
    userName() {
      try {
        return userInfo().username
      } catch {
        return null // a user id without an entry, as containers have
      }
    },
    isRoot: () => process.getuid?.() === 0,
    isContainer: () => existsSync('/.dockerenv') || env.KUBERNETES_SERVICE_HOST !== undefined,
  }
}

/** One visible line: the name is printed to terminals and kept in the audit. */
function plain(name: string | undefined): string {
  return (name ?? '')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    .trim()
    .slice(0, maxCharacters)
}
