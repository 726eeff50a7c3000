import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { CampaignPorts } from '#control/campaigns.ts'
import type { Clocks } from '#core/clock.ts'
import { ForewarnError } from '#core/errors.ts'
import type { Edition } from '#core/letter.ts'
import { ulid } from '#core/ulid.ts'
import type { Ledger } from '#ledger/ledger.ts'
import type { OpenedLedger } from '#ledger/open.ts'
import { type Log, silentLog } from '#observe/observe.ts'
import type { PinLookup, PinSource } from '#pins/pins.ts'
import type { Settings } from '#settings/load.ts'
import type { Service } from './service.ts'

// The only place that says `new`. One function per family of commands; heavy parts are loaded when they are needed:
// the stop loads neither MJML nor the AWS SDK nor BullMQ.

/** The ledger as it is, for the stop: no migration, no check of its version. */
export async function wireControl(database: string): Promise<OpenedLedger> {
  const { openLedger } = await import('#ledger/open.ts')
  return openLedger(database, { mode: 'as-is' })
}

/** The ledger, brought up to date. */
export async function wireLedger(settings: Settings, clocks: Clocks): Promise<OpenedLedger> {
  const { openLedger } = await import('#ledger/open.ts')
  return openLedger(settings.database, { mode: 'migrate', clocks })
}

/** The ledger as it is, for commands that only read: they create none and change none. */
export async function wireReading(settings: Settings, clocks: Clocks): Promise<OpenedLedger> {
  const { openLedger } = await import('#ledger/open.ts')
  return openLedger(settings.database, { mode: 'as-is', clocks })
}

/** What the campaign commands need: the files as they are now, and the ledger. */
export async function wireCampaigns(settings: Settings, { ledger }: OpenedLedger): Promise<WiredCampaigns> {
  const { loadCampaigns } = await import('#settings/campaign-file.ts')
  const { campaigns, problems } = loadCampaigns(settings.campaigns)
  const ports: CampaignPorts = {
    ledger,
    onFile: campaigns.map(({ campaign }) => campaign),
    editionOf: async (campaign) => {
      const [{ compileTemplate }, { editionOf }] = await Promise.all([
        import('#mail/compile.ts'),
        import('#mail/edition.ts'),
      ])
      return editionOf(campaign, await compileTemplate(join(settings.templates, campaign.template)))
    },
  }
  return { ports, warnings: problems.map(({ where, message }) => `${where}: ${message}`) }
}

export interface WiredCampaigns {
  readonly ports: CampaignPorts
  readonly warnings: readonly string[]
}

/** What a dry run and a forecast need: the ledger and the PINs to read, and all campaigns. */
export async function wireProspects(settings: Settings, opened: OpenedLedger, clocks: Clocks) {
  const [{ loadCampaigns }, { readProspects }, { nextTickOf, lastTick }] = await Promise.all([
    import('#settings/campaign-file.ts'),
    import('#control/prospects.ts'),
    import('./scan-ticks.ts'),
  ])
  const { ledger } = opened
  const { campaigns, problems } = loadCampaigns(settings.campaigns)
  const pins = await pinSource(settings, opened)
  const policy = { perAddressPerDay: settings.caps.perAddressPerDay, rate: settings.mail.rate }
  return {
    ...(await readProspects(
      ledger,
      campaigns.map(({ campaign }) => campaign),
    )),
    ports: { ledger, pins, nextTick: nextTickOf, lastTick, policy },
    stale: await isStale(pins, settings.portal.maxAgeMs, clocks),
    warnings: problems.map(({ where, message }) => `${where}: ${message}`),
  }
}

/** Where SES is, when it is not where the SDK's own settings say: the demo's inbox. */
export interface SesPlace {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

export interface ServiceNeeds {
  readonly settings: Settings
  readonly opened: OpenedLedger
  readonly clocks: Clocks
  readonly log: Log
  /** Aborted when the process is told to end. */
  readonly ending: AbortSignal
  /** The queue to use, which is not always the settings' own. */
  readonly queue: { readonly url: string; readonly name: string }
  readonly ses?: SesPlace
}

/** All that scans, sends and settles. Nothing of it has started yet. */
export async function wireService(needs: ServiceNeeds): Promise<Service> {
  const { settings, opened, clocks, log, ending } = needs
  const [{ sesMailer }, { createComposer }, { ledgerPace }, { openQueue }, identity, { portalGuard }, { bindJobs }] =
    await Promise.all([
      import('#mail/ses-client.ts'),
      import('#mail/compose.ts'),
      import('#mail/pace.ts'),
      import('#queue/bullmq-queue.ts'),
      import('#control/worker-identity.ts'),
      import('#control/portal-guard.ts'),
      import('./service.ts'),
    ])
  const { mail, caps, retention } = settings
  const pins = await pinSource(settings, opened, log)
  return bindJobs({
    ledger: opened.ledger,
    edition: editionsByHash(opened.ledger),
    pins,
    guard: portalGuard({ ledger: opened.ledger, clocks, log }),
    pace: ledgerPace(opened.ledger.pace, mail.rate, clocks, log),
    composer: createComposer(),
    mailer: sesMailer({ timeoutMs: mail.timeoutMs, concurrency: mail.concurrency, clocks, ...needs.ses }),
    queue: openQueue({ url: needs.queue.url, name: needs.queue.name, log }),
    clocks,
    log,
    ending,
    worker: identity.thisWorker(),
    provenGone: identity.provenGone,
    token: () => ulid(clocks.wall(), randomBytes(10)),
    rate: mail.rate,
    concurrency: mail.concurrency,
    addressDays: retention.addressDays,
    stale: () => isStale(pins, settings.portal.maxAgeMs, clocks),
    policy: {
      from: mail.from.text,
      source: mail.from.address,
      replyTo: mail.replyTo.text,
      configurationSet: mail.configurationSet,
      timeoutMs: mail.timeoutMs,
      perAddressPerDay: caps.perAddressPerDay,
    },
  })
}

/**
 * Where PINs are read: the ledger's own table, or the portal's database, whose connections do not keep the process from ending.
 * Throws ForewarnError `portal-unusable`.
 */
export async function pinSource(
  { portal }: Settings,
  { pinTable }: OpenedLedger,
  log: Log = silentLog,
): Promise<PinSource & PinLookup> {
  if (portal.url === 'own:') return pinTable
  const { openPortal } = await import('#pins/portal.ts')
  const opened = await openPortal(portal.url, portal.relation, {
    onBadRows: ({ kind }, found) => {
      for (const flaw of found) log.warn('portal.bad-rows', { kind, ...flaw })
    },
  })
  const { unknownColumns } = opened
  if (unknownColumns.length > 0) log.warn('portal.columns-not-read', { columns: unknownColumns.join(', ') })
  return opened
}

/** True when the source was last brought up to date longer ago than `maxAgeMs` (null: never too old). The age is real, not business time's. */
async function isStale(pins: PinSource, maxAgeMs: number | null, clocks: Clocks): Promise<boolean> {
  if (maxAgeMs === null) return false
  const refreshedAt = await pins.refreshedAt()
  return refreshedAt !== null && clocks.wall() - refreshedAt > maxAgeMs
}

/** Editions never change under their hash: each is read once. */
function editionsByHash(ledger: Pick<Ledger, 'editions'>): (hash: string) => Promise<Edition> {
  const known = new Map<string, Promise<Edition>>()
  return (hash) => {
    const found = known.get(hash) ?? readEdition(ledger, hash)
    known.set(hash, found)
    found.catch(() => known.delete(hash))
    return found
  }
}

async function readEdition(ledger: Pick<Ledger, 'editions'>, hash: string): Promise<Edition> {
  const edition = await ledger.editions.byHash(hash)
  if (edition === null) throw new ForewarnError('internal', `the ledger has no edition ${hash}`)
  return edition
}
