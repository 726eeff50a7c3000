import { Command, Option } from 'commander'
import { exitCode } from '#core/errors.ts'
import type { ImportReport, PinFileFormat } from '#pins/import.ts'
import { type Globals, print, table, warn } from './output.ts'
import { loadFor } from './settings.ts'

interface ImportOptions extends Globals {
  readonly format?: PinFileFormat
  readonly dryRun?: boolean
}

/** `pins import FILE`: brings PINs into the built-in table. */
export function pinsCommand(end: (code: number) => void): Command {
  const command = new Command('pins').description('the built-in PIN source')
  command
    .command('import')
    .argument('<FILE>', 'CSV or NDJSON, UTF-8; one row per PIN')
    .description('bring in PINs: good rows are taken, bad rows named by line and column')
    .addOption(new Option('--format <FORMAT>', 'default: by the extension of the file').choices(['csv', 'ndjson']))
    .option('--dry-run', 'check and report only')
    .action(async (file: string, _options, self: Command) => end(await importFile(file, self.optsWithGlobals())))
  return command
}

async function importFile(file: string, options: ImportOptions): Promise<number> {
  const { settings } = await loadFor(options)
  const [{ wireLedger }, { systemClocks }, { importPins }] = await Promise.all([
    import('#app/wire.ts'),
    import('#app/clocks.ts'),
    import('#pins/import.ts'),
  ])
  const clocks = systemClocks()
  const { ledger, pinTable } = await wireLedger(settings, clocks)
  try {
    const report = await importPins({
      file,
      table: pinTable,
      startedAt: clocks.wall(),
      dryRun: options.dryRun === true,
      ...(options.format === undefined ? {} : { format: options.format }),
    })
    for (const warning of report.warnings) warn(options, warning)
    const { read, accepted, rejectedTotal, rejected, truncated } = report
    print(options, { read, accepted, rejectedTotal, rejected, ...(truncated ? { truncated } : {}) }, () =>
      reportText(report, options.dryRun === true),
    )
    return rejectedTotal > 0 ? exitCode.partial : exitCode.done
  } finally {
    await ledger.close()
  }
}

const rejectedShown = 20

function reportText(report: ImportReport, dryRun: boolean): string {
  const verb = dryRun ? 'would be accepted' : 'accepted'
  const head = `${report.read} rows read, ${report.accepted} ${verb}, ${report.rejectedTotal} rejected`
  if (report.rejectedTotal === 0) return head
  const rows = report.rejected.slice(0, rejectedShown)
  const more = report.rejectedTotal - rows.length
  return [
    head,
    table(
      ['line', 'column', 'value', 'reason'],
      rows.map(({ line, column, value, reason }) => [String(line), column ?? '', JSON.stringify(value), reason]),
    ),
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join('\n')
}
