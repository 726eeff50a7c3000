import { Command } from 'commander'
import type { Receipt } from '#control/stop.ts'
import { exitCode, ForewarnError } from '#core/errors.ts'
import { type By, type Closing, everything } from '#ledger/ledger.ts'
import { openForControl } from './control-ledger.ts'
import { untilAsked } from './ending.ts'
import { gateJson, headline, sinceFacts, waitingForJson } from './gate-view.ts'
import { counted, facts, type Globals, paint, print, visible, warn } from './output.ts'
import { byFor } from './settings.ts'

const defaultWaitSeconds = 30
/** The settings are not read here: the longest `mail.timeoutMs` that they allow. */
const longestTimeoutMs = 60_000

/** Options without their text count as not given: a stop does not fail for them. */
interface StopOptions extends Globals {
  readonly reason?: string | true
  readonly wait?: string | true
}

/** `stop`, the same as `switch off`. */
export function stopCommand(end: (code: number) => void): Command {
  return new Command('stop')
    .description('stop everything at once, wait until no call to SES is open, print the receipt')
    .option('--reason [TEXT]', 'why, for the audit')
    .option('--wait [SECONDS]', `how long to wait for open calls (default: ${defaultWaitSeconds})`)
    .action(async (_options, self: Command) => end(await stopEverything(self.optsWithGlobals())))
}

/** What is to be said beside the stop is said after it. */
class Later {
  readonly #globals: Globals
  #warnings: string[] = []

  constructor(globals: Globals) {
    this.#globals = globals
  }

  readonly add = (warning: string): void => {
    this.#warnings.push(warning)
  }

  tell(): void {
    for (const warning of this.#warnings.splice(0)) warn(this.#globals, warning)
  }
}

async function stopEverything(options: StopOptions): Promise<number> {
  const later = new Later(options)
  const progress: Progress = { closed: null }
  const waitMs = readWait(options.wait, later) * 1_000
  const by = await byFor(options, options.reason === true ? undefined : options.reason, later.add)
  const slow = setTimeout(() => {
    if (progress.closed === null) warn(options, slowNote)
  }, slowMs)
  try {
    return await closeAndWait(options, by, waitMs, later, progress)
  } catch (error) {
    later.tell()
    const cause = error instanceof Error ? error.message : String(error)
    if (progress.closed !== null) return tellUnwatched(options, progress.closed, cause)
    throw new ForewarnError('not-stopped', `NOT STOPPED: processes that reach the ledger may still send (${cause})`, {
      hint: `${hintOf(error)}Name the ledger with DATABASE_URL or --config. A second way to stop needs no ledger (--ses): ${stopInSes}`,
      cause: error,
    })
  } finally {
    clearTimeout(slow)
  }
}

/** A stop that says nothing for longer than this looks as if it hung. */
const slowMs = 2_000
const slowNote = 'NOT STOPPED YET: the ledger is locked or slow; this goes on trying for half a minute'

const stopInSes =
  'close the configuration set in Amazon SES with `aws ses update-configuration-set-sending-enabled --configuration-set-name NAME --no-enabled`'

function hintOf(error: unknown): string {
  if (!(error instanceof ForewarnError) || error.hint === undefined) return ''
  const [first = '', ...rest] = error.hint.replace(/\.$/, '').split(' ')
  const isWord = /^[a-z]+,?$/.test(first)
  return `${[isWord ? first.charAt(0).toUpperCase() + first.slice(1) : first, ...rest].join(' ')}. `
}

function readWait(text: string | true | undefined, later: Later): number {
  if (text === undefined) return defaultWaitSeconds
  const seconds = text === true || text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isFinite(seconds) && seconds >= 0) return seconds
  later.add(`--wait ${text === true ? '' : text} is no number of seconds; ${defaultWaitSeconds} are taken`)
  return defaultWaitSeconds
}

async function closeAndWait(
  options: StopOptions,
  by: By,
  waitMs: number,
  later: Later,
  progress: Progress,
): Promise<number> {
  const { ledger } = await openForControl(options, later.add)
  const [{ stop }, { settle }, { provenGone }, { systemClocks }, { silentLog }] = await Promise.all([
    import('#control/stop.ts'),
    import('#jobs/settle.ts'),
    import('#control/worker-identity.ts'),
    import('#app/clocks.ts'),
    import('#observe/observe.ts'),
  ])
  try {
    const settlePorts = { ledger, clocks: systemClocks(), log: silentLog, provenGone, timeoutMs: longestTimeoutMs }
    const receipt = await stop(
      { ledger, settle: () => settle(settlePorts) },
      { by, scope: everything, waitMs },
      untilAsked().signal,
      (closing) => {
        progress.closed = closing
        tellClosed(options, closing, ledger.address)
        later.tell()
        tellWaiting(closing.inFlight.length)
      },
    )
    print(options, receiptJson(receipt), () => receiptText(options, receipt))
    return receipt.drained ? exitCode.done : exitCode.partial
  } finally {
    await ledger.close()
  }
}

/** How far a stop came. */
interface Progress {
  closed: Closing | null
}

/** The gate is closed, but the wait for open calls broke off: stopped, and not known to be drained. */
function tellUnwatched(options: StopOptions, { gate, inFlight, auditHash }: Closing, cause: string): number {
  const document = { gate: gateJson(gate), drained: false, inFlight: inFlight.length, auditHash, unwatched: cause }
  print(options, document, () => `Stopped, but not watched until no call is open: ${cause}`)
  warn(options, 'run the same command again to wait until no call is open')
  return exitCode.partial
}

/** The gate is closed: said at once, before anything is waited for. */
function tellClosed(globals: Globals, { gate, changed }: Closing, address: string): void {
  if (globals.json) return
  const already: [string, string][] = changed ? [] : [['', 'it was stopped already: that stop and its reason stand']]
  const known = facts([['ledger', address], ...sinceFacts(gate), ...already], factColumn)
  const lines = [headline(globals, gate), ...known]
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** What is said at once and the receipt that follows read as one list. */
const factColumn = 'in flight'.length

function tellWaiting(open: number): void {
  if (open === 0 || !process.stderr.isTTY) return
  process.stderr.write(`waiting for ${counted(open, 'open call')}; Ctrl-C ends the wait, and all stays stopped\n`)
}

function receiptJson(receipt: Receipt) {
  return { ...receipt, gate: gateJson(receipt.gate), waitingFor: receipt.waitingFor.map(waitingForJson) }
}

function receiptText(globals: Globals, receipt: Receipt): string {
  const { inFlight, escaped, returned, failed, inDoubt, held } = receipt
  const ends = `${escaped} accepted, ${returned} held again, ${failed} refused, ${inDoubt} in doubt`
  const campaigns = Object.entries(receipt.heldByCampaign).map(([key, count]) => `${key} ${count}`)
  return facts(
    [
      ['drained', drainedText(globals, receipt)],
      ...receipt.waitingFor.map((attempt): [string, string] => {
        const { worker, pid, since } = waitingForJson(attempt)
        return ['', `waits for ${visible(worker)} (pid ${pid}), which began at ${since}`]
      }),
      ['in flight', `${counted(inFlight, 'call')} when it closed${inFlight === 0 ? '' : `: ${ends}`}`],
      ['held', `${counted(held, 'message')}${campaigns.length > 0 ? ` (${campaigns.join(', ')})` : ''}`],
      ['audit', receipt.auditHash],
      ...(receipt.drained ? [] : [nextLook]),
      ['go on', 'forewarn switch on --reason "why"'],
    ],
    factColumn,
  ).join('\n')
}

const nextLook: [string, string] = ['look', 'run it again: it waits again, and tells this receipt']

function drainedText(globals: Globals, { drained, waitingFor }: Receipt): string {
  if (drained) return paint(globals, 'green', 'yes: no call is open, and none will begin')
  const open = counted(waitingFor.length, 'call is', 'calls are')
  return paint(globals, 'red', `NOT YET: ${open} still open; none will begin`)
}
