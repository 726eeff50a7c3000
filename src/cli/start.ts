import { Command } from 'commander'
import type { Role } from '#app/lifecycle.ts'
import { ForewarnError } from '#core/errors.ts'
import { untilAsked } from './ending.ts'
import { type Globals, print } from './output.ts'
import { loadFor, logFor } from './settings.ts'

interface StartOptions extends Globals {
  readonly roles: string
}

const roles: readonly Role[] = ['scheduler', 'worker', 'web']

/** `start`: the service. */
export function startCommand(): Command {
  return new Command('start')
    .description('run the service until it is asked to end')
    .option(
      '--roles <LIST>',
      'scheduler, worker, web; the embedded queue needs the first two together',
      roles.join(','),
    )
    .action(async (_options, self: Command) => start(self.optsWithGlobals()))
}

async function start(options: StartOptions): Promise<void> {
  const chosen = readRoles(options.roles)
  const { settings } = await loadFor(options)
  const [{ systemClocks }, { wireLedger, wireService }, { startService }] = await Promise.all([
    import('#app/clocks.ts'),
    import('#app/wire.ts'),
    import('#app/lifecycle.ts'),
  ])
  const clocks = systemClocks()
  const log = await logFor(options, settings.log.level)
  const opened = await wireLedger(settings, clocks)
  try {
    const end = untilAsked()
    const queue = { url: settings.queue, name: 'forewarn' }
    const service = await wireService({ settings, opened, clocks, log, ending: end.signal, queue })
    const running = await startService(service, { roles: chosen, web: settings.web, end })
    if (options.json) print(options, { ready: true, url: running.url, roles: chosen }, () => '')
    await new Promise((resolve) => {
      if (end.signal.aborted) resolve(undefined)
      else end.signal.addEventListener('abort', resolve, { once: true })
    })
    await running.stop()
  } finally {
    await opened.ledger.close()
  }
}

function readRoles(text: string): Role[] {
  const names = text.split(',').map((name) => name.trim())
  const wrong = names.find((name) => !roles.some((role) => role === name))
  if (wrong !== undefined) {
    throw new ForewarnError('usage', `--roles ${text}: ${wrong || 'an empty name'} is no role`, {
      hint: `roles are ${roles.join(', ')}`,
    })
  }
  return [...new Set(names)] as Role[]
}
