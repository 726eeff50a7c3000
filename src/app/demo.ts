import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { enableCampaign } from '#control/campaigns.ts'
import { ForewarnError } from '#core/errors.ts'
import { inboxPages } from '#inbox/pages/pages.ts'
import { readMail } from '#inbox/read-mail.ts'
import { type RunningInbox, startInbox } from '#inbox/server.ts'
import type { OpenedLedger } from '#ledger/open.ts'
import type { Log } from '#observe/observe.ts'
import { demoPins } from '#pins/demo-portal.ts'
import { loadCampaign } from '#settings/campaign-file.ts'
import { loadSettings, type Settings } from '#settings/load.ts'
import { systemClocks } from './clocks.ts'
import { demoCampaign, demoSettings } from './demo-files.ts'
import type { Service } from './service.ts'
import { wireCampaigns, wireLedger, wireService } from './wire.ts'

/** A made-up portal, its ledger and its inbox, all in one fresh folder. */
export interface Demo {
  readonly folder: string
  /** The settings of this demo, for commands in another terminal. */
  readonly configFile: string
  readonly settings: Settings
  readonly inbox: RunningInbox
  readonly service: Service
  readonly opened: OpenedLedger
}

export interface DemoOptions {
  /** of the inbox; the next free one when it is taken */
  readonly port: number
  readonly pins: number
  readonly perSecond: number
  readonly log: Log
  readonly ending: AbortSignal
}

const templates = resolve(import.meta.dirname, '../../templates')
const seed = 1
const pageRows = 1_000
/** So many ports after the first are tried. */
const portsTried = 50

/** Sets up everything for the demo; nothing is scanned or sent yet. No settings and no AWS account are looked at. */
export async function setUpDemo(options: DemoOptions): Promise<Demo> {
  const folder = await mkdtemp(join(tmpdir(), 'forewarn-demo-'))
  const configFile = join(folder, 'forewarn.yaml')
  await mkdir(join(folder, 'campaigns'))
  await writeFile(configFile, demoSettings({ templates, perSecond: options.perSecond }))
  await writeFile(join(folder, 'campaigns/soft-pin.yaml'), demoCampaign)
  const { settings } = loadSettings({ configFile, cwd: folder, env: {} })
  const inbox = await startInboxNear(options.port, options.perSecond)

  const clocks = systemClocks()
  const opened = await wireLedger(settings, clocks)
  await fillPortal(opened, options.pins, clocks.wall())
  const { ports } = await wireCampaigns(settings, opened)
  const { campaign } = loadCampaign(settings.campaigns, 'soft-pin')
  await enableCampaign(ports, campaign, { actor: 'demo', reason: 'the demo' })

  const service = await wireService({
    settings,
    opened,
    clocks,
    log: options.log,
    ending: options.ending,
    queue: { url: settings.queue, name: 'forewarn' },
    ses: {
      endpoint: inbox.url,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'demo', secretAccessKey: 'demo' },
    },
  })
  return { folder, configFile, settings, inbox, service, opened }
}

/** Writes the mails that the inbox got into the demo's folder, as `.eml` and `.html`; the folder's path. */
export async function writeMails({ folder, inbox }: Demo): Promise<string> {
  const target = join(folder, 'mails')
  await mkdir(target)
  for (const mail of inbox.mails.list()) {
    const stage = mail.tags.find(({ name }) => name === 'stage')?.value ?? 'mail'
    const name = `${String(mail.number).padStart(4, '0')}-${stage}`
    await writeFile(join(target, `${name}.eml`), mail.raw)
    const { html } = await readMail(mail)
    if (html !== null) await writeFile(join(target, `${name}.html`), html)
  }
  return target
}

async function fillPortal({ pinTable }: OpenedLedger, count: number, at: number): Promise<void> {
  const pins = demoPins({ count, seed, at })
  for (let start = 0; start < pins.length; start += pageRows) {
    await pinTable.upsert(pins.slice(start, start + pageRows))
  }
  await pinTable.markRefreshed(at)
}

async function startInboxNear(port: number, perSecond: number): Promise<RunningInbox> {
  const account = { maxSendRate: perSecond * 10 }
  for (let tried = 0; ; tried += 1) {
    try {
      return await startInbox({ port: port === 0 ? 0 : port + tried, account, pages: inboxPages })
    } catch (error) {
      const taken = error instanceof ForewarnError && error.code === 'port-taken'
      if (!taken || tried === portsTried) throw error
    }
  }
}
