import { CommanderError } from 'commander'
import { exitCode, ForewarnError } from '#core/errors.ts'
import { visibleLines } from './output.ts'

/** What there is to know of a command line that failed. */
export interface FailedLine {
  readonly argv: readonly string[]
  /** The command as far as it was understood: `forewarn switch off`. */
  readonly command: string
  /** True for the commands that stop everything. */
  readonly stops: boolean
  /** The help of a command that needs another word after it. */
  readonly help: string
}

/** Prints an error as the command line wants it, and gives its exit code. */
export function reportError(error: unknown, line: FailedLine): number {
  const { exit, ...said } = readable(error, line)
  const told = { ...said, message: withoutAddresses(said.message, line.argv) }
  if (line.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ error: told })}\n`)
  else process.stderr.write(`${textOf(told, line.help)}\n`)
  if (wantsDebug(line.argv) && error instanceof Error) process.stderr.write(`${traceOf(error)}\n`)
  return exit
}

/** Addresses that were typed are not said again: errors are kept in more places than answers. */
function withoutAddresses(message: string, argv: readonly string[]): string {
  const addresses = argv.filter((word) => /.@./.test(word) && !word.includes('/'))
  return addresses.reduce((text, address) => text.replaceAll(address, 'an address'), message)
}

interface Told {
  readonly code: string
  readonly message: string
  readonly path: string | undefined
  readonly hint: string | undefined
}

function readable(error: unknown, line: FailedLine): Told & { readonly exit: number } {
  if (error instanceof ForewarnError) {
    const { code, message, path, hint } = error
    return { code, message, path, hint, exit: error.exitCode }
  }
  if (error instanceof CommanderError) return { ...usageOf(error, line), exit: exitCode.usage }
  const message = error instanceof Error ? error.message : String(error)
  const hint = 'this is a fault of forewarn itself; --log-level debug shows where'
  return { code: 'internal', message, path: undefined, hint, exit: exitCode.failed }
}

/** Commander puts a guess of what was meant on a line of its own. */
function usageOf(error: CommanderError, { command, stops }: FailedLine): Told {
  const [said = '', guess = ''] = error.message.replace(/^error: /, '').split('\n')
  const message = error.code === 'commander.help' ? `${command} needs a command after it` : said
  const asked = guess.replace(/^\((.*)\)$/, '$1')
  return {
    code: 'usage',
    // Whoever mistypes a stop must not believe that everything stopped.
    message: stops ? `NOT STOPPED: ${message}` : message,
    path: undefined,
    hint: `${asked ? `${asked} ` : ''}See \`${command} --help\`${stops ? `, or type just \`${command}\`` : ''}.`,
  }
}

function textOf({ message, path, hint }: Told, help: string): string {
  const lines = [`error: ${visibleLines(message)}`]
  if (path !== undefined && !message.includes(path)) lines.push(`  at:   ${visibleLines(path)}`)
  if (hint !== undefined) lines.push(`  hint: ${visibleLines(hint)}`)
  return [...(help === '' ? [] : [help]), ...lines].join('\n')
}

function wantsDebug(argv: readonly string[]): boolean {
  return argv.some(
    (word, index) => word === '--log-level=debug' || (word === '--log-level' && argv[index + 1] === 'debug'),
  )
}

function traceOf({ stack, message, cause }: Error): string {
  const inner = cause instanceof Error ? `\ncaused by: ${cause.stack ?? cause.message}` : ''
  return `${stack ?? message}${inner}`
}
