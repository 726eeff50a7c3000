import { dirname, resolve } from 'node:path'
import type { Environment } from './environment.ts'

/** Which settings file is meant. */
export interface ConfigFile {
  readonly file: string
  /** A named file must exist; the default one may be missing. */
  readonly isNamed: boolean
  /** Shipped defaults count as written in the default file, wherever the named one is. */
  readonly defaultFolder: string
}

/** `--config`, else `FOREWARN_CONFIG`, else `config/forewarn.yaml` in the working directory. */
export function chooseConfigFile(flag: string | undefined, env: Environment, cwd: string): ConfigFile {
  const defaultFile = resolve(cwd, 'config/forewarn.yaml')
  const named = flag ?? (env.FOREWARN_CONFIG?.trim() ? env.FOREWARN_CONFIG : undefined)
  const file = named === undefined ? defaultFile : resolve(cwd, named)
  return { file, isNamed: named !== undefined, defaultFolder: dirname(defaultFile) }
}
