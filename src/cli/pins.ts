import { closeSync, openSync, writeSync } from 'node:fs'
import { Command, Option } from 'commander'
import { exitCode, ForewarnError } from '#core/errors.ts'
import type { ImportReport, PinFileFormat, RejectedRow } from '#pins/import.ts'
import { counted, type Globals, print, table, visible, warn } from './output.ts'
import { withLedger } from './settings.ts'

interface ImportOptions extends Globals {
  readonly format?: PinFileFormat
  readonly dryRun?: boolean
  readonly rejects?: string
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
    .option('--rejects <FILE>', 'write all rejected rows there, as NDJSON')
    .action(async (file: string, _options, self: Command) => end(await importFile(file, self.optsWithGlobals())))
  return command
}

async function importFile(file: string, options: ImportOptions): Promise<number> {
  const { importPins } = await import('#pins/import.ts')
  return withLedger(options, 'current', async ({ pinTable, clocks }) => {
    const rejects = options.rejects === undefined ? null : openRejects(options.rejects)
    try {
      const report = await importPins({
        file,
        table: pinTable,
        startedAt: clocks.wall(),
        dryRun: options.dryRun === true,
        ...(options.format === undefined ? {} : { format: options.format }),
        ...(rejects === null ? {} : { onRejected: rejects.write }),
      })
      for (const warning of report.warnings) warn(options, warning)
      const { read, accepted, rejectedTotal, rejected, truncated } = report
      print(options, { read, accepted, rejectedTotal, rejected, ...(truncated ? { truncated } : {}) }, () =>
        reportText(report, options),
      )
      return rejectedTotal > 0 ? exitCode.partial : exitCode.done
    } finally {
      rejects?.close()
    }
  })
}

function openRejects(file: string): { write: (row: RejectedRow) => void; close: () => void } {
  const opened = openForWriting(file)
  return {
    write: (row) => void writeSync(opened, `${JSON.stringify(row)}\n`),
    close: () => closeSync(opened),
  }
}

/** It holds addresses as they were typed: for nobody else's eyes. */
function openForWriting(file: string): number {
  try {
    return openSync(file, 'w', 0o600)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ForewarnError('usage', `--rejects ${file} cannot be written: ${reason}`, { cause: error })
  }
}

const rejectedShown = 20

function reportText(report: ImportReport, { dryRun, rejects }: ImportOptions): string {
  const { read, accepted, rejectedTotal } = report
  const verb = dryRun ? 'would be accepted' : 'accepted'
  const head = `${counted(read, 'row')} read, ${accepted} ${verb}, ${rejectedTotal} rejected`
  if (rejectedTotal === 0) return head
  const rows = report.rejected.slice(0, rejectedShown)
  const more = rejectedTotal - rows.length
  const all = rejects === undefined ? '--rejects FILE writes all of them to a file' : `all are in ${rejects}`
  return [
    head,
    '',
    table(
      ['line', 'column', 'value', 'reason'],
      rows.map(({ line, column, value, reason }) => [
        String(line),
        visible(column ?? ''),
        visible(value),
        visible(reason),
      ]),
    ),
    ...(more > 0 ? [`and ${more} more: ${all}`] : []),
  ].join('\n')
}
