import { Command, CommanderError } from 'commander'
import { exitCode } from '#core/errors.ts'
import manifest from '../../package.json' with { type: 'json' }
import { campaignCommand } from './campaign.ts'
import { configCommand } from './config.ts'
import { demoCommand } from './demo.ts'
import { inboxCommand } from './inbox.ts'
import { messagesCommand } from './messages.ts'
import { migrateCommand } from './migrate.ts'
import { reportError } from './output.ts'
import { pinsCommand } from './pins.ts'
import { runCommand } from './run.ts'
import { startCommand } from './start.ts'
import { statusCommand } from './status.ts'
import { resumeCommand, stopCommand, switchCommand } from './switch.ts'

/** Runs one command line; resolves to its exit code, and whether an error ended it. Never throws. */
export async function main(argv: readonly string[]): Promise<{ code: number; failed: boolean }> {
  // A reader that has seen enough (`| head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  const outcome = { code: exitCode.done as number }
  try {
    await buildProgram((code) => {
      outcome.code = code
    }).parseAsync(argv)
    return { ...outcome, failed: false }
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return { code: exitCode.done, failed: false }
    return { code: reportError(error, argv), failed: true }
  }
}

function buildProgram(end: (code: number) => void): Command {
  const program = new Command('forewarn')
    .description('Warns people before a PIN of theirs expires, and stops the moment it is told to.')
    .version(manifest.version, '--version')
    .option('--config <FILE>', 'settings file (default: config/forewarn.yaml)')
    .option('--actor <NAME>', 'who acts, as the audit names them (default: the OS user)')
    .option('--json', 'print exactly one JSON document on stdout')
    .option('--no-color', 'no colour')
    .option('--log-level <LEVEL>', 'debug, info, warn or error')
    .helpOption('--help', 'show help')
    .addHelpText('after', emergency)
  const commands = [
    demoCommand(end),
    startCommand(),
    runCommand(end),
    pinsCommand(end),
    switchCommand(end),
    stopCommand(end),
    resumeCommand(end),
    campaignCommand(),
    statusCommand(),
    messagesCommand(),
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
    .helpOption('--help', 'show help')
    .configureOutput({ writeErr: () => undefined })
    .configureHelp({ showGlobalOptions: true })
  for (const inner of command.commands) prepare(inner)
}

const emergency = `
To stop everything at once:
  forewarn stop --reason "why"

Exit codes: 0 done, 1 failed, 2 wrong usage, settings or input, 3 refused, 4 done in part.`
