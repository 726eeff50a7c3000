import { Command } from 'commander'
import { gateOfEverything, openForControl } from './control-ledger.ts'
import { gateJson, headline, sinceFacts } from './gate-view.ts'
import { facts, type Globals, print, warn } from './output.ts'
import { resumeCommand } from './resume.ts'
import { stopCommand } from './stop.ts'

/** `switch status|off|on`: the kill switch. */
export function switchCommand(end: (code: number) => void): Command {
  const command = new Command('switch').description('the kill switch: stop everything, allow it again')
  command
    .command('status')
    .description('is sending allowed, and are calls to SES still open?')
    .action(async (_options, self: Command) => status(self.optsWithGlobals()))
  command.addCommand(stopCommand(end).name('off'))
  command.addCommand(resumeCommand().name('on'))
  return command
}

async function status(globals: Globals): Promise<void> {
  const { ledger } = await openForControl(globals, (warning) => warn(globals, warning))
  try {
    const gate = await gateOfEverything(ledger)
    const openAttempts = (await ledger.attempts.open()).length
    print(globals, { gate: gateJson(gate), openAttempts }, () =>
      [
        headline(globals, gate),
        ...facts([['ledger', ledger.address], ...sinceFacts(gate), ['open calls', String(openAttempts)]]),
      ].join('\n'),
    )
  } finally {
    await ledger.close()
  }
}
