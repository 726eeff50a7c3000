/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The process's own environment: read here and nowhere else. */
export function processEnvironment(): Environment {
  return process.env
}
