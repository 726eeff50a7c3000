import { styleText } from 'node:util'
import { CommanderError } from 'commander'
import { exitCode, ForewarnError } from '#core/errors.ts'

/** The options that every command has. */
export interface Globals {
  readonly config?: string
  readonly actor?: string
  readonly json?: boolean
  readonly color: boolean
  readonly logLevel?: string
}

/** Prints a command's result: one JSON document, or text for people. */
export function print(globals: Globals, document: unknown, text: () => string): void {
  process.stdout.write(globals.json ? `${JSON.stringify(document)}\n` : `${text()}\n`)
}

/** Tells a person something beside the result; never on stdout. */
export function warn(globals: Globals, message: string): void {
  process.stderr.write(`${paint(globals, 'yellow', 'warning:', process.stderr)} ${message}\n`)
}

type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold'

/** Colours text, on a terminal that wants it. */
export function paint(
  globals: Pick<Globals, 'color' | 'json'>,
  colour: Colour,
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  return globals.color && !globals.json ? styleText(colour, text, { stream }) : text
}

/** Columns under a header, two blanks apart. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Prints an error as this command line wants it, and gives its exit code. */
export function reportError(error: unknown, argv: readonly string[]): number {
  const json = argv.includes('--json')
  const debug = argv.join(' ').includes('--log-level debug') || argv.includes('--log-level=debug')
  const { code, message, path, hint, exit } = readable(error)
  if (json) {
    process.stdout.write(`${JSON.stringify({ error: { code, message, path, hint } })}\n`)
  } else {
    const lines = [`error: ${message}`]
    if (path !== undefined && !message.includes(path)) lines.push(`  at:   ${path}`)
    if (hint !== undefined) lines.push(`  hint: ${hint}`)
    process.stderr.write(`${lines.join('\n')}\n`)
  }
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n${String(error.cause ?? '')}\n`)
  return exit
}

interface Readable {
  readonly code: string
  readonly message: string
  readonly path: string | undefined
  readonly hint: string | undefined
  readonly exit: number
}

function readable(error: unknown): Readable {
  if (error instanceof ForewarnError) {
    const { code, message, path, hint } = error
    return { code, message, path, hint, exit: error.exitCode }
  }
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '')
    return { code: 'usage', message, path: undefined, hint: 'see --help', exit: exitCode.usage }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'internal', message, path: undefined, hint: 'try again with --log-level debug', exit: exitCode.failed }
}
