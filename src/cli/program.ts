import { Command, CommanderError } from 'commander'
import { exitCode } from '#core/errors.ts'
import manifest from '../../package.json' with { type: 'json' }
import { campaignCommand } from './campaign.ts'
import { configCommand } from './config.ts'
import { demoCommand } from './demo.ts'
import { explainCommand } from './explain.ts'
import { forecastCommand } from './forecast.ts'
import { inboxCommand } from './inbox.ts'
import { messagesCommand } from './messages.ts'
import { migrateCommand } from './migrate.ts'
import { pinsCommand } from './pins.ts'
import { reportError } from './report-error.ts'
import { resumeCommand } from './resume.ts'
import { runCommand } from './run.ts'
import { scanCommand } from './scan.ts'
import { startCommand } from './start.ts'
import { statusCommand } from './status.ts'
import { stopCommand } from './stop.ts'
import { suppressCommand } from './suppress.ts'
import { switchCommand } from './switch.ts'

/** Runs one command line; resolves to its exit code, and whether an error ended it. Never throws. */
export async function main(argv: readonly string[]): Promise<{ code: number; failed: boolean }> {
  // A reader that has seen enough (`| head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  const outcome = { code: exitCode.done as number }
  const program = buildProgram((code) => {
    outcome.code = code
  })
  const said = listen(program)
  const fail = (error: unknown): number => reportError(error, { argv, ...commandOf(program, argv), help: said.help })
  // What goes wrong outside of the command's own flow ends the process too, in words.
  process.on('uncaughtException', (error) => process.exit(fail(error)))
  try {
    await program.parseAsync(argv)
    return { ...outcome, failed: false }
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      const document = said.out.trim() === manifest.version ? { version: manifest.version } : { help: said.out }
      process.stdout.write(argv.includes('--json') ? `${JSON.stringify(document)}\n` : said.out)
      return { code: exitCode.done, failed: false }
    }
    return { code: fail(error), failed: true }
  }
}

function buildProgram(end: (code: number) => void): Command {
  const program = new Command('forewarn')
    .description('Warns people before a PIN of theirs expires, and stops the moment it is told to.')
    .usage('COMMAND [OPTIONS]')
    .version(manifest.version, '--version', 'show the version')
    .option('--config <FILE>', 'settings file (default: config/forewarn.yaml)')
    .option('--actor <NAME>', 'who acts, as the audit names them (default: the OS user)')
    .option('--json', 'print exactly one JSON document on stdout')
    .option('--no-color', 'no colour')
    .option('--log-level <LEVEL>', 'debug, info, warn or error')
    .addHelpText('after', emergency)
  const commands = [
    demoCommand(end),
    startCommand(),
    runCommand(end),
    scanCommand(),
    forecastCommand(),
    pinsCommand(end),
    switchCommand(end),
    stopCommand(end),
    resumeCommand(),
    campaignCommand(),
    statusCommand(),
    explainCommand(),
    messagesCommand(),
    suppressCommand(),
    inboxCommand(),
    configCommand(end),
    migrateCommand(),
  ]
  for (const command of commands) program.addCommand(command)
  prepare(program)
  return program
}

/** Every command and subcommand: errors are thrown, not printed and exited upon, and help shows the global options too. */
function prepare(command: Command): void {
  command
    .exitOverride()
    .helpOption('--help', 'show this help')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
  for (const inner of command.commands) prepare(inner)
}

/** Takes over what commander prints itself: help, which comes in pieces, and the version. They are JSON too when JSON is wanted. */
function listen(program: Command): { out: string; help: string } {
  const said = { out: '', help: '' }
  const writeOut = (text: string): void => {
    said.out += text
  }
  const writeErr = (text: string): void => {
    if (text.startsWith('Usage:')) said.help = text
  }
  const each = (command: Command): void => {
    command.configureOutput({ writeOut, writeErr })
    for (const inner of command.commands) each(inner)
  }
  each(program)
  return said
}

/** The command that the words name, as far as they do. */
function commandOf(program: Command, argv: readonly string[]): { command: string; stops: boolean } {
  let named = program
  const path = [program.name()]
  for (const word of argv.slice(2)) {
    const inner = named.commands.find((command) => command.name() === word)
    if (inner === undefined) continue
    named = inner
    path.push(word)
  }
  const command = path.join(' ')
  return { command, stops: command === 'forewarn stop' || command === 'forewarn switch off' }
}

const emergency = `
To stop everything at once:
  npx --no forewarn stop

Exit codes: 0 done, 1 failed, 2 wrong usage, settings or input, 3 refused, 4 done in part.
"COMMAND --help" tells more of each. With npx, options come after the command.`
