import { Command, InvalidArgumentError } from 'commander'
import type { Demo } from '#app/demo.ts'
import { processEnvironment } from '#settings/environment.ts'
import { untilAsked } from './ending.ts'
import { facts, type Globals, paint, print } from './output.ts'
import { exitOf, reportJson, reportText } from './run.ts'
import { logFor } from './settings.ts'

interface DemoOptions extends Globals {
  readonly port: number
  readonly pins: number
  readonly once?: boolean
}

/** The speed of the demo that one watches, and of the one that only shows the result; mails a second. */
const watchedPerSecond = 5
const oncePerSecond = 50

/** `demo`: the whole thing on made-up data. */
export function demoCommand(end: (code: number) => void): Command {
  return new Command('demo')
    .description('see it work: a made-up portal, the service, and an inbox, on this machine only')
    .option('--port <N>', 'port of the inbox; the next free one when it is taken', readCount(0, 65_535), 8025)
    .option('--pins <N>', 'how many PINs the portal has', readCount(1, 100_000), 240)
    .option('--once', 'send what is due, write the mails to a folder, print the summary, end')
    .action(async (_options, self: Command) => {
      const options: DemoOptions = self.optsWithGlobals()
      if (options.once) end(await once(options))
      else await watch(options)
    })
}

function readCount(min: number, max: number): (text: string) => number {
  return (text) => {
    const count = Number(text)
    if (!Number.isInteger(count) || count < min || count > max) {
      throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`)
    }
    return count
  }
}

async function once(options: DemoOptions): Promise<number> {
  const [{ setUpDemo, writeMails }, { runOnce }] = await Promise.all([
    import('#app/demo.ts'),
    import('#app/run-once.ts'),
  ])
  const ending = untilAsked()
  const log = await logFor(options, options.logLevel ?? 'warn')
  const demo = await setUpDemo({ ...options, perSecond: oncePerSecond, log, ending: ending.signal })
  try {
    const report = await runOnce(demo.service, null, ending.signal)
    const mails = await writeMails(demo)
    const reference = await latestReference(demo)
    print(options, { ...reportJson(report), mails }, () =>
      [
        reportText(options, report, null),
        `  written    ${mails}`,
        '',
        'Try next, in this folder:',
        ...commandLines(demo, reference),
      ].join('\n'),
    )
    return exitOf(report)
  } finally {
    await tearDown(demo)
  }
}

async function watch(options: DemoOptions): Promise<void> {
  const [{ setUpDemo }, { startService }] = await Promise.all([import('#app/demo.ts'), import('#app/lifecycle.ts')])
  const end = untilAsked()
  const log = await logFor(options, options.logLevel ?? 'info')
  const demo = await setUpDemo({ ...options, perSecond: watchedPerSecond, log, ending: end.signal })
  const running = await startService(demo.service, {
    roles: ['scheduler', 'worker', 'web'],
    web: { host: '127.0.0.1', port: 0 },
    end,
  })
  const document = { inbox: demo.inbox.url, health: running.url, folder: demo.folder, config: demo.configFile }
  print(options, document, () => welcome(options, demo, running.url))
  await new Promise((resolve) => end.signal.addEventListener('abort', resolve, { once: true }))
  await running.stop()
  await demo.inbox.stop()
}

function welcome(globals: Globals, demo: Demo, health: string): string {
  return [
    paint(globals, 'bold', 'forewarn demo: a made-up portal; nothing leaves this machine'),
    '',
    `  mails as they arrive  ${paint(globals, 'green', demo.inbox.url)}`,
    `  health                ${health}/readyz`,
    `  folder                ${demo.folder}`,
    '',
    'Try, in another terminal in this folder:',
    ...commandLines(demo, null),
    '',
    'Ctrl-C ends it.',
  ].join('\n')
}

/** One copyable line each for what one wants to try next. */
function commandLines(demo: Demo, reference: string | null): string[] {
  const forewarn = `${withoutOwnSettings()}npx --no forewarn`
  const config = `--config ${demo.configFile}`
  return facts([
    ['stop', `${forewarn} switch off ${config} --reason "trying the stop"`],
    ['resume', `${forewarn} switch on ${config} --reason "tried it" --yes`],
    ['explain', `${forewarn} explain ${reference ?? 'REFERENCE'} ${config}`],
    ['status', `${forewarn} status ${config}`],
    ...(reference === null ? [['', 'REFERENCE stands at the foot of each mail'] as const] : []),
  ])
}

/** Whoever has settings of a real installation in their environment must not meet it by these lines. */
function withoutOwnSettings(): string {
  const names = Object.keys(processEnvironment()).filter((name) =>
    /^(FOREWARN_|DATABASE_URL|QUEUE_URL|PORTAL_URL)/.test(name),
  )
  return names.length === 0 ? '' : `env ${names.map((name) => `-u ${name}`).join(' ')} `
}

async function latestReference({ opened }: Demo): Promise<string | null> {
  const { rows } = await opened.ledger.reports.messages({ state: 'sent', limit: 1 })
  return rows[0]?.reference ?? null
}

async function tearDown(demo: Demo): Promise<void> {
  await demo.service.ports.queue.stop(0)
  demo.service.ports.mailer.close()
  await demo.opened.ledger.close()
  await demo.inbox.stop()
}
