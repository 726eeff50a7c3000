/** Exit codes of the command line: the first that applies. */
export const exitCode = { usage: 2, failed: 1, refused: 3, partial: 4, done: 0 } as const

/** Every error that a person can meet: its code, and the exit code of a command that ends with it. `docs/errors.md` explains each. */
export const errorCodes = {
  usage: exitCode.usage,
  'settings-invalid': exitCode.usage,
  'campaign-invalid': exitCode.usage,
  'campaign-unknown': exitCode.usage,
  'template-invalid': exitCode.usage,
  'input-unreadable': exitCode.usage,
  'not-found': exitCode.failed,
  'at-in-future': exitCode.usage,
  'roles-split': exitCode.usage,
  'ledger-unusable': exitCode.failed,
  'ledger-newer': exitCode.failed,
  'not-stopped': exitCode.failed,
  'queue-unusable': exitCode.failed,
  'portal-unusable': exitCode.failed,
  'port-taken': exitCode.failed,
  'output-unwritable': exitCode.failed,
  interrupted: exitCode.failed,
  internal: exitCode.failed,
  gate: exitCode.refused,
  'stale-source': exitCode.refused,
  'replace-too-much': exitCode.refused,
  'import-under-way': exitCode.refused,
  'confirmation-needed': exitCode.refused,
  'campaign-incomplete': exitCode.refused,
} as const

export type ErrorCode = keyof typeof errorCodes

/** An error for a person: a code, a sentence, where (`path`: a setting or `file:line:column`), and what to do (`hint`). */
export class ForewarnError extends Error {
  readonly code: ErrorCode
  readonly path: string | undefined
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, more: { path?: string; hint?: string; cause?: unknown } = {}) {
    super(message, { cause: more.cause })
    this.name = 'ForewarnError'
    this.code = code
    this.path = more.path
    this.hint = more.hint
  }

  get exitCode(): number {
    return errorCodes[this.code]
  }
}
