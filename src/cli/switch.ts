import { Command } from 'commander'
import type { ResumePlan } from '#control/resume.ts'
import type { Receipt } from '#control/stop.ts'
import { exitCode, ForewarnError } from '#core/errors.ts'
import { isoInstant } from '#core/instant.ts'
import { type By, everything, type Gate } from '#ledger/ledger.ts'
import type { OpenedLedger } from '#ledger/open.ts'
import { untilAsked } from './ending.ts'
import { gateJson, waitingForJson } from './gate-view.ts'
import { isoOrNull, minuteText } from './instants.ts'
import { type Globals, paint, print, warn } from './output.ts'
import { byFor, loadFor } from './settings.ts'

type End = (code: number) => void

const defaultWaitSeconds = 30
/** The settings are not read here: the longest `mail.timeoutMs` that they allow. */
const longestTimeoutMs = 60_000

interface OffOptions extends Globals {
  readonly reason?: string
  readonly wait: string
}

interface OnOptions extends Globals {
  readonly reason?: string
  readonly yes?: boolean
  readonly dryRun?: boolean
}

/** `switch status|off|on`: the kill switch. */
export function switchCommand(end: End): Command {
  const command = new Command('switch').description('the kill switch: stop and allow everything')
  command
    .command('status')
    .description('is sending allowed, and are calls still open?')
    .action(async (_options, self: Command) => status(self.optsWithGlobals()))
  command.addCommand(stopCommand(end).name('off'))
  command.addCommand(resumeCommand(end).name('on'))
  return command
}

/** `stop`, the same as `switch off`. */
export function stopCommand(end: End): Command {
  return new Command('stop')
    .description('stop everything at once, wait until no call is open, print the receipt')
    .option('--reason <TEXT>', 'why, for the audit')
    .option('--wait <SECONDS>', 'how long to wait for open calls', String(defaultWaitSeconds))
    .action(async (_options, self: Command) => end(await off(self.optsWithGlobals())))
}

/** `resume`, the same as `switch on`. */
export function resumeCommand(end: End): Command {
  return new Command('resume')
    .description('show what would be sent, then allow sending again, slowly at first')
    .option('--reason <TEXT>', 'why, for the audit (required unless --dry-run)')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'show the plan only')
    .action(async (_options, self: Command) => end(await on(self.optsWithGlobals())))
}

/** Needs the ledger's address and nothing else: everything that is wrong besides is a warning. */
async function openForControl(globals: Globals): Promise<OpenedLedger> {
  const [{ resolveLedgerAddress }, { wireControl }] = await Promise.all([
    import('#settings/ledger-address.ts'),
    import('#app/wire.ts'),
  ])
  const { database, warnings } = resolveLedgerAddress({ configFile: globals.config })
  for (const warning of warnings) warn(globals, warning)
  return wireControl(database)
}

async function status(globals: Globals): Promise<void> {
  const { ledger } = await openForControl(globals)
  try {
    const gate = await ledger.gates.read(everything)
    if (gate === null)
      throw new ForewarnError('ledger-unusable', `the ledger ${ledger.address} has no gate: it counts as closed`)
    const open = await ledger.attempts.open()
    print(globals, { gate: gateJson(gate), openAttempts: open.length }, () =>
      [headline(globals, gate), `  ledger:     ${ledger.address}`, ...since(gate), `  open calls: ${open.length}`].join(
        '\n',
      ),
    )
  } finally {
    await ledger.close()
  }
}

async function off(options: OffOptions): Promise<number> {
  const wait = Number(options.wait)
  const by = await byFor(options, options.reason)
  const waitMs = Number.isFinite(wait) && wait >= 0 ? wait * 1_000 : defaultWaitSeconds * 1_000
  if (waitMs !== wait * 1_000)
    warn(options, `--wait ${options.wait} is no number of seconds; waiting ${defaultWaitSeconds}`)
  try {
    return await closeAndWait(options, by, waitMs)
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new ForewarnError('not-stopped', `NOT STOPPED: processes that reach the ledger may still send (${cause})`, {
      hint: 'find out which ledger is meant (--config, DATABASE_URL); a second way to stop is to disable sending of the configuration set in SES (--ses)',
      cause: error,
    })
  }
}

async function closeAndWait(options: OffOptions, by: By, waitMs: number): Promise<number> {
  const { ledger } = await openForControl(options)
  const [{ stop }, { settle }, { provenGone }, { systemClocks }, { silentLog }] = await Promise.all([
    import('#control/stop.ts'),
    import('#jobs/settle.ts'),
    import('#control/worker-identity.ts'),
    import('#app/clocks.ts'),
    import('#observe/observe.ts'),
  ])
  try {
    const settlePorts = {
      ledger,
      clocks: systemClocks(),
      log: silentLog,
      provenGone,
      timeoutMs: longestTimeoutMs,
    }
    const receipt = await stop(
      { ledger, settle: () => settle(settlePorts) },
      { by, scope: everything, waitMs },
      untilAsked().signal,
      ({ gate, inFlight }) => tellClosed(options, gate, inFlight.length),
    )
    print(options, receiptJson(receipt), () => receiptText(options, receipt, ledger.address))
    return receipt.drained ? exitCode.done : exitCode.partial
  } finally {
    await ledger.close()
  }
}

/** The gate is closed: said at once, before anything is waited for. */
function tellClosed(globals: Globals, gate: Gate, inFlight: number): void {
  if (globals.json) return
  process.stdout.write(`${headline(globals, gate)}\n`)
  if (inFlight > 0)
    process.stderr.write(`waiting for ${inFlight} open calls; interrupting the wait leaves everything stopped\n`)
}

function receiptJson(receipt: Receipt) {
  return { ...receipt, gate: gateJson(receipt.gate), waitingFor: receipt.waitingFor.map(waitingForJson) }
}

function receiptText(globals: Globals, receipt: Receipt, address: string): string {
  const drained = receipt.drained
    ? paint(globals, 'green', 'drained: no call is open, and none will begin')
    : paint(globals, 'red', 'NOT DRAINED: calls are still open')
  const campaigns = Object.entries(receipt.heldByCampaign).map(([key, held]) => `${key} ${held}`)
  return [
    `  ledger:     ${address}`,
    ...since(receipt.gate),
    `  ${drained}`,
    ...receipt.waitingFor.map((attempt) => {
      const { worker, pid, since: asked } = waitingForJson(attempt)
      return `    waits for ${worker} (pid ${pid}) since ${asked}`
    }),
    `  in flight:  ${receipt.inFlight} when it closed: ${receipt.escaped} accepted, ${receipt.returned} returned, ${receipt.failed} refused, ${receipt.inDoubt} in doubt`,
    `  held:       ${receipt.held} messages${campaigns.length > 0 ? ` (${campaigns.join(', ')})` : ''}`,
    `  audit:      ${receipt.auditHash}`,
  ].join('\n')
}

async function on(options: OnOptions): Promise<number> {
  if (!options.dryRun && !options.reason?.trim()) {
    throw new ForewarnError('usage', 'allowing everything again needs a reason', { hint: 'add --reason "why"' })
  }
  const { settings } = await loadFor(options)
  const [{ wireLedger, pinSource }, { systemClocks }, { planResume, resume }] = await Promise.all([
    import('#app/wire.ts'),
    import('#app/clocks.ts'),
    import('#control/resume.ts'),
  ])
  const clocks = systemClocks()
  const opened = await wireLedger(settings, clocks)
  const { ledger } = opened
  try {
    const ports = { ledger, pins: pinSource(settings, opened), clocks, rate: settings.mail.rate, ramp: settings.resume }
    const before = await ledger.gates.read(everything)
    const plan = await planResume(ports)
    if (!options.json) process.stdout.write(`${planText(plan)}\n`)
    const stays = options.dryRun || before?.state === 'on'
    if (!stays) await confirm(options)
    const gate = stays ? before : await resume(ports, await byFor(options, options.reason))
    if (gate === null)
      throw new ForewarnError('ledger-unusable', `the ledger ${ledger.address} has no gate: it counts as closed`)
    print(options, { gate: gateJson(gate), plan: { ...plan, finishAt: isoOrNull(plan.finishAt) } }, () =>
      [headline(options, gate), `  ledger:     ${ledger.address}`, ...since(gate)].join('\n'),
    )
    return exitCode.done
  } finally {
    await ledger.close()
  }
}

function planText(plan: ResumePlan): string {
  const stale = Object.entries(plan.stale).map(([reason, reminders]) => `${reason} ${reminders}`)
  return [
    'When sending is allowed again:',
    `  held now:   ${plan.held} messages`,
    `  stale:      ${stale.length > 0 ? stale.join(', ') : 'none'} (reminders that will not be sent)`,
    `  at once:    ${plan.burst} mails${plan.finishAt === null ? '' : `, out by ${minuteText(plan.finishAt)}`}`,
  ].join('\n')
}

async function confirm(options: OnOptions): Promise<void> {
  if (options.yes) return
  if (!process.stdin.isTTY || options.json) {
    throw new ForewarnError('confirmation-needed', 'without a terminal, allowing everything again needs --yes', {
      hint: 'look at the plan with --dry-run, then add --yes',
    })
  }
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question('Allow sending? [y/N] ')
  terminal.close()
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new ForewarnError('confirmation-needed', 'not confirmed: sending stays stopped')
}

/** Always the first line, in these words. */
function headline(globals: Globals, gate: Gate): string {
  return gate.state === 'off'
    ? paint(globals, 'red', 'SENDING IS STOPPED')
    : paint(globals, 'green', 'SENDING IS ALLOWED')
}

function since(gate: Gate): string[] {
  if (gate.epoch === 0) return []
  return [`  since:      ${isoInstant(gate.since)} by ${gate.actor}`, `  reason:     ${gate.reason}`]
}
