import { Command } from 'commander'
import type { ResumePlan, ResumePorts } from '#control/resume.ts'
import { ForewarnError } from '#core/errors.ts'
import type { Gate } from '#ledger/ledger.ts'
import { gateOfEverything } from './control-ledger.ts'
import { gateJson, headline, sinceFacts } from './gate-view.ts'
import { isoOrNull, minuteText } from './instants.ts'
import { counted, facts, type Globals, print } from './output.ts'
import { byFor, withLedger } from './settings.ts'

interface ResumeOptions extends Globals {
  readonly reason?: string
  readonly yes?: boolean
  readonly dryRun?: boolean
}

/** `resume`, the same as `switch on`. */
export function resumeCommand(): Command {
  return new Command('resume')
    .description('show what would be sent, then allow sending again, slowly at first')
    .option('--reason <TEXT>', 'why, for the audit (required unless --dry-run)')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'show the plan only')
    .action(async (_options, self: Command) => allowEverything(self.optsWithGlobals()))
}

async function allowEverything(options: ResumeOptions): Promise<void> {
  if (!options.dryRun && !options.reason?.trim()) {
    throw new ForewarnError('usage', 'allowing everything again needs a reason', { hint: 'add --reason "why"' })
  }
  await withLedger(options, 'existing', async (opened) => {
    const { ledger, settings, clocks } = opened
    const [{ pinSource }, { planResume }] = await Promise.all([import('#app/wire.ts'), import('#control/resume.ts')])
    const pins = await pinSource(settings, opened)
    const ports = { ledger, pins, clocks, rate: settings.mail.rate, ramp: settings.resume }
    const before = await gateOfEverything(ledger)
    const plan = await planResume(ports)
    const gate = options.dryRun || before.state === 'on' ? before : await open(options, ports, plan)
    print(options, { gate: gateJson(gate), plan: { ...plan, finishAt: isoOrNull(plan.finishAt) } }, () =>
      [
        headline(options, gate),
        ...facts([['ledger', ledger.address], ...sinceFacts(gate)]),
        ...planText(plan, gate),
      ].join('\n'),
    )
  })
}

async function open(options: ResumeOptions, ports: ResumePorts, plan: ResumePlan): Promise<Gate> {
  if (!options.yes) await confirm(options, plan)
  const { resume } = await import('#control/resume.ts')
  return resume(ports, await byFor(options, options.reason))
}

function planText(plan: ResumePlan, { state }: Pick<Gate, 'state'>): string[] {
  const stale = Object.entries(plan.stale).map(([reason, reminders]) => `${reason} ${reminders}`)
  const finish = plan.finishAt === null ? '' : `, slowly at first, out by ${minuteText(plan.finishAt)}`
  return [
    state === 'off' ? 'When sending is allowed again:' : 'What waits now:',
    ...facts([
      ['waiting', counted(plan.held, 'message')],
      ['at once', `${counted(plan.burst, 'mail')}${finish}`],
      ['dropped', stale.length > 0 ? `reminders that have become pointless: ${stale.join(', ')}` : 'nothing'],
    ]),
  ]
}

/** The question and its plan go to stderr: stdout begins with how things stand in the end. */
async function confirm(options: ResumeOptions, plan: ResumePlan): Promise<void> {
  if (!process.stdin.isTTY || options.json) {
    throw new ForewarnError('confirmation-needed', 'without a terminal, allowing everything again needs --yes', {
      hint: 'look at the plan with --dry-run, then add --yes',
    })
  }
  process.stderr.write(`${planText(plan, { state: 'off' }).join('\n')}\n`)
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question('Allow sending? [y/N] ')
  terminal.close()
  if (!/^y(es)?$/i.test(answer.trim())) {
    throw new ForewarnError('confirmation-needed', 'not confirmed: sending stays stopped')
  }
}
