import { ForewarnError } from '#core/errors.ts'

/** A queue URL that cannot be used: `what` is wrong with it. The URL itself is not quoted, it may hold a password. */
export function queueUrlError(what: string): ForewarnError {
  return new ForewarnError('usage', `the queue URL ${what}`, {
    path: 'queue',
    hint: "set queue (QUEUE_URL) to 'embedded:', redis://HOST:PORT/DB, rediss://… or postgres://USER@HOST/DATABASE; docs/settings.md has all forms",
  })
}

/** The parameters of a URL, of which each may be given once except for `repeatable` ones; refuses any other. */
export function knownParameters(
  url: URL,
  known: readonly string[],
  repeatable: readonly string[] = [],
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [name, value] of url.searchParams) {
    if (repeatable.includes(name)) continue
    if (!known.includes(name)) throw queueUrlError(`has a parameter that is not known, ${name.slice(0, 40)}`)
    if (name in found) throw queueUrlError(`has the parameter ${name} twice`)
    found[name] = value
  }
  return found
}

/** Takes the percent signs out of a part of a URL. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw queueUrlError('has a percent sign that stands for nothing: write it as %25')
  }
}
