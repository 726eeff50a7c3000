import { ForewarnError } from '#core/errors.ts'
import { maskSecrets } from './mask.ts'

/** One thing that is wrong in a settings file, a campaign file or the environment. */
export interface Problem {
  /** The key's path, `mail.rate.perSecond` or `stages[2]`; empty for a file as a whole. */
  readonly path: string
  /** `FILE:LINE:COLUMN`, `environment NAME` or `flag`; the file alone where nothing is written. */
  readonly where: string
  /** What was found, secrets masked; null when nothing is there, or it must not be shown. */
  readonly value: string | null
  /** What would have been right. */
  readonly expected: string
  /** All of it but the place, in one line. */
  readonly message: string
  /** What to do about it, in one sentence. */
  readonly fix: string
}

/** Settings or campaign files that cannot be used, with everything that is wrong in them. */
export class SettingsError extends ForewarnError {
  readonly problems: readonly Problem[]

  constructor(code: 'settings-invalid' | 'campaign-invalid', problems: readonly Problem[]) {
    const [first] = problems
    const lines = problems.map(({ message, where }) => `${message} (${where})`)
    const one = first && lines.length === 1
    super(code, one ? lines.join() : [`${lines.length} problems:`, ...lines].join('\n  '), {
      ...(one ? { path: first.path || first.where } : {}),
      hint: hints[code],
    })
    this.problems = problems
  }
}

const hints = {
  'settings-invalid': 'docs/settings.md explains every key and its environment variable',
  'campaign-invalid': 'config/campaigns/soft-pin.yaml shows every key of a campaign',
}

const shownCharacters = 100

/** Makes a problem and its line. `found`: the value as read; leave it out where it must not be shown. */
export function problem(it: {
  path: string
  where: string
  expected: string
  found?: unknown
  reason?: string | undefined
  /** Default: to make it what is expected. */
  fix?: string
}): Problem {
  // Somebody may have taken a password for a key.
  const path = maskSecrets(it.path)
  const value = it.found === undefined ? null : shown(it.found)
  const message = [
    path === '' ? '' : `${path}: `,
    `expected ${it.expected}`,
    value === null ? '' : `, found ${value}`,
    it.reason ? ` – ${maskSecrets(it.reason)}` : '',
  ].join('')
  const fix = it.fix ?? `Make ${path || 'it'} ${it.expected}.`
  return { path, where: it.where, value, expected: it.expected, message, fix }
}

/** A value as a person may see it: passwords masked, cut to a line's length. */
export function shown(value: unknown): string {
  const text = maskSecrets(JSON.stringify(value) ?? String(value))
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text
}
