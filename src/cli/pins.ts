import { addAbortSignal } from 'node:stream'
import { Command, Option } from 'commander'
import type { Clocks } from '#core/clock.ts'
import { exitCode, ForewarnError } from '#core/errors.ts'
import type { LeaseBook } from '#ledger/ledger.ts'
import type { ImportReport, PinFileFormat } from '#pins/import.ts'
import type { RejectedRow } from '#pins/intake.ts'
import type { PinTable } from '#pins/pins.ts'
import { untilAsked } from './ending.ts'
import { progressLine } from './import-progress.ts'
import { counted, type Globals, print, visible, warn } from './output.ts'
import { openRejects, standardInput } from './rejects-file.ts'
import { withLedger } from './settings.ts'

interface ImportOptions extends Globals {
  readonly format?: PinFileFormat
  readonly dryRun?: boolean
  readonly rejects?: string
  readonly replace?: boolean
  readonly yes?: boolean
}

/** `pins import FILE`: brings PINs into the built-in table. */
export function pinsCommand(end: (code: number) => void): Command {
  const command = new Command('pins').description('the built-in PIN source')
  command
    .command('import')
    .argument('<FILE>', 'CSV or NDJSON, UTF-8; one row per PIN; - is standard input')
    .description('bring in PINs: good rows are taken, bad rows named by line and column')
    .addOption(new Option('--format <FORMAT>', 'default: by the extension of the file').choices(['csv', 'ndjson']))
    .option('--dry-run', 'check and report only')
    .option('--rejects <FILE>', 'write all rejected rows there, as NDJSON')
    .option('--replace', 'afterwards PINs that the file does not hold are gone')
    .option('--yes', 'with --replace: also when more than 20 % of the PINs would go')
    .action(async (file: string, _options, self: Command) => end(await importFile(file, self.optsWithGlobals())))
  return command
}

async function importFile(file: string, options: ImportOptions): Promise<number> {
  if (options.yes && !options.replace) {
    throw new ForewarnError('usage', '--yes means something with --replace only', {
      hint: 'Add --replace, or leave it.',
    })
  }
  const report = await withTable(options, async (at) => {
    const input = file === '-' ? standardInput : file
    const rejects = options.rejects === undefined ? null : openRejects(options.rejects, input)
    try {
      const report = await importInto(at, file, options, rejects?.write)
      rejects?.finish()
      return report
    } finally {
      rejects?.close()
    }
  })
  for (const warning of report.warnings) warn(options, warning)
  print(options, reportJson(report), () => reportText(report, options))
  if (report.removed !== null && report.accepted === 0) return exitCode.usage
  return report.rejectedTotal > 0 ? exitCode.partial : exitCode.done
}

/** Where an import goes to. */
interface Destination {
  readonly table: PinTable
  readonly leases: LeaseBook | null
  readonly clocks: Clocks
}

const elsewhere = "PINs are read from the portal's database (portal.url): what is imported here is not looked at"

/** A dry run changes no ledger; it needs one only to know whom it would remove. */
async function withTable<T>(options: ImportOptions, use: (at: Destination) => Promise<T>): Promise<T> {
  if (options.dryRun && !options.replace) {
    const [{ noTable }, { systemClocks }] = await Promise.all([import('#pins/no-table.ts'), import('#app/clocks.ts')])
    return use({ table: noTable, leases: null, clocks: systemClocks() })
  }
  return withLedger(options, options.dryRun ? 'existing' : 'current', ({ ledger, pinTable, clocks, settings }) => {
    if (settings.portal.url !== 'own:') warn(options, elsewhere)
    return use({ table: pinTable, leases: ledger.leases, clocks })
  })
}

async function importInto(
  { table, leases, clocks }: Destination,
  file: string,
  options: ImportOptions,
  onRejected: ((row: RejectedRow) => void) | undefined,
): Promise<ImportReport> {
  const { importPins } = await import('#pins/import.ts')
  const { signal } = untilAsked()
  const onWait = (): void => warn(options, 'Another import with --replace is under way: waiting for its end.')
  const line = process.stderr.isTTY && !options.json ? progressLine(process.stderr, clocks) : null
  try {
    return await importPins({
      ...(file === '-'
        ? { file: 'standard input', stream: addAbortSignal(signal, process.stdin) as AsyncIterable<Uint8Array> }
        : { file }),
      table,
      startedAt: clocks.wall(),
      dryRun: options.dryRun === true,
      signal,
      ...(options.format === undefined ? {} : { format: options.format }),
      ...(options.replace && leases !== null ? { replace: { evenMany: options.yes === true, leases, onWait } } : {}),
      ...(onRejected === undefined ? {} : { onRejected }),
      ...(line === null ? {} : { onProgress: line.tell }),
    })
  } finally {
    line?.clear()
  }
}

function reportJson({ read, accepted, rejectedTotal, rejected, truncated, removed }: ImportReport) {
  return {
    read,
    accepted,
    rejectedTotal,
    rejected,
    ...(truncated ? { truncated } : {}),
    ...(removed === null ? {} : { removed }),
  }
}

const rejectedShown = 20

function reportText(report: ImportReport, { dryRun, rejects }: ImportOptions): string {
  const { read, accepted, rejectedTotal, removed } = report
  const verb = dryRun ? 'would be accepted' : 'accepted'
  const gone = removed === null ? '' : `, ${counted(removed, 'PIN')} ${dryRun ? 'would be ' : ''}removed`
  const head = `${counted(read, 'row')} read, ${accepted} ${verb}, ${rejectedTotal} rejected${gone}`
  if (rejectedTotal === 0) return head
  const rows = report.rejected.slice(0, rejectedShown)
  const more = rejectedTotal - rows.length
  const widest = String(rows.at(-1)?.line ?? 0).length
  const all = rejects === undefined ? '--rejects FILE writes all of them to a file' : `all are in ${visible(rejects)}`
  return [
    head,
    '',
    ...rows.map((row) => `  line ${String(row.line).padEnd(widest)}  ${sentence(row)}`),
    ...(more > 0 ? [`and ${more} more: ${all}`] : []),
  ].join('\n')
}

function sentence({ column, value, reason }: RejectedRow): string {
  return visible(`${column ?? 'the row'} ${reason}${value === '' ? '' : `: ${value}`}`)
}
