import { Command, InvalidArgumentError } from 'commander'
import { ForewarnError } from '#core/errors.ts'
import { untilAsked } from './ending.ts'
import { type Globals, print } from './output.ts'

interface InboxOptions extends Globals {
  readonly port: number
  readonly faults?: string
}

/** `inbox`: an endpoint that the AWS SDK takes for SES, with a page that shows what arrived. */
export function inboxCommand(): Command {
  return new Command('inbox')
    .description('a local SES-compatible inbox: keeps what it gets, shows it, and plays faults')
    .option('--port <N>', 'port', readPort, 8025)
    .option('--faults <FILE>', 'YAML: what goes wrong, and when')
    .action(async (_options, self: Command) => inbox(self.optsWithGlobals()))
}

function readPort(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('expected a port, 0 to 65535')
  return port
}

async function inbox(options: InboxOptions): Promise<void> {
  const [{ startInbox }, { inboxPages }] = await Promise.all([
    import('#inbox/server.ts'),
    import('#inbox/pages/pages.ts'),
  ])
  const faults = options.faults === undefined ? {} : { faults: await readFaults(options.faults) }
  const running = await startInbox({ port: options.port, pages: inboxPages, ...faults })
  const ending = untilAsked()
  print(options, { url: running.url }, () =>
    [
      `The inbox is at ${running.url}`,
      '',
      'Send to it instead of SES:',
      `  export AWS_ENDPOINT_URL_SES=${running.url} AWS_REGION=eu-west-1 AWS_ACCESS_KEY_ID=inbox AWS_SECRET_ACCESS_KEY=inbox`,
    ].join('\n'),
  )
  await new Promise((resolve) => ending.signal.addEventListener('abort', resolve, { once: true }))
  await running.stop()
}

async function readFaults(file: string) {
  const [{ readFile }, { parse }, { checkFaults }] = await Promise.all([
    import('node:fs/promises'),
    import('yaml'),
    import('#inbox/faults.ts'),
  ])
  try {
    return checkFaults(parse(await readFile(file, 'utf8')), file)
  } catch (error) {
    if (error instanceof ForewarnError) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new ForewarnError('input-unreadable', `the faults could not be read: ${message}`, {
      path: file,
      cause: error,
    })
  }
}
