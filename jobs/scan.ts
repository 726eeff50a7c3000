import { assemble } from '#core/assembly.ts'
import type { Campaign } from '#core/campaign.ts'
import type { Clocks } from '#core/clock.ts'
import { decide, planWrites, reach } from '#core/decide.ts'
import type { Instant } from '#core/instant.ts'
import type { KnownReminder, NewReminder, SkipCounts, SkipReason } from '#core/reminder.ts'
import type { Ledger, OpenCursor, Worker } from '#ledger/ledger.ts'
import type { Log } from '#observe/observe.ts'
import type { PinCursor, PinSource } from '#pins/pins.ts'

export interface ScanPorts {
  readonly ledger: Pick<Ledger, 'plans' | 'leases' | 'recipientKey'>
  readonly pins: PinSource
  readonly clocks: Clocks
  readonly log: Log
  readonly worker: Worker
  /** A new unique token per scan: two scans of one process exclude each other as well. */
  readonly token: () => string
  /** True when the worker's process surely does not exist any more. */
  readonly provenGone: (worker: Worker) => boolean
}

export interface ScanResult {
  /** PINs within the campaign's reach. */
  readonly examined: number
  /** Reminders written that are to be sent. */
  readonly planned: number
  /** Reminders decided without a mail, by reason. */
  readonly skipped: SkipCounts
  /** Messages that were left without reminders. */
  readonly emptied: number
}

const pageRows = 1_000
const assemblyRows = 250
/** A scan that shows no progress for this long may be taken over; at once when its process is proven gone. */
const leaseMs = 60_000

/**
 * Finds the PINs of a campaign that came due, writes what is decided about them, and puts all open reminders into
 * messages. null: another scan of it is under way. Throws when the PINs or the ledger cannot be read; what was written
 * stays, and the next scan goes on from there.
 */
export async function scan(
  ports: ScanPorts,
  { campaign }: { campaign: Campaign },
  signal: AbortSignal,
): Promise<ScanResult | null> {
  const { ledger, clocks, log } = ports
  const lease = await takeLease(ports, campaign)
  if (lease === null) return null
  try {
    const startedAt = clocks.business()
    const { examined, planned, skipped } = await planDue(ports, campaign, lease, startedAt, signal)
    const assembled = await assembleOpen(ports, campaign, lease, signal)
    const finishedAt = clocks.business()
    await ledger.plans.recordScan({ campaign: campaign.key, startedAt, finishedAt, examined, planned })
    log.info('scan.done', { campaign: campaign.key, examined, planned, messages: assembled.created })
    return { examined, planned, skipped: added(skipped, assembled.skipped), emptied: assembled.emptied }
  } finally {
    await lease.release()
  }
}

/** Pages by key through all PINs in reach: a limit per page never starves the rest. */
async function planDue(
  ports: ScanPorts,
  campaign: Campaign,
  lease: Lease,
  at: Instant,
  signal: AbortSignal,
): Promise<Omit<ScanResult, 'emptied'>> {
  const { ledger, pins } = ports
  const query = { kind: campaign.pins.kind, accounts: campaign.pins.accounts, ...reach(campaign, at) }
  let after: PinCursor | null = null
  let examined = 0
  let planned = 0
  let skipped: SkipCounts = {}
  do {
    signal.throwIfAborted()
    const page = await pins.page(query, after, pageRows)
    const known = groupByPin(
      await ledger.plans.known(
        campaign.key,
        page.map((pin) => pin.pinId),
      ),
    )
    const inserts: NewReminder[] = []
    const reopens: string[] = []
    for (const pin of page) {
      const key = pin.email === null ? null : ledger.recipientKey(pin.email)
      const writes = planWrites(decide(pin, campaign, key, at), known.get(pin.pinId) ?? [], key)
      inserts.push(...writes.inserts)
      reopens.push(...writes.reopens)
    }
    if (inserts.length + reopens.length > 0) {
      const written = await ledger.plans.write(campaign.key, { inserts, reopens }, at)
      planned += written.planned
      skipped = added(skipped, written.skipped)
    }
    examined += page.length
    const last = page.at(-1)
    after = page.length < pageRows || last === undefined ? null : { expiresAt: last.expiresAt, pinId: last.pinId }
    await lease.renew()
  } while (after !== null)
  return { examined, planned, skipped }
}

/** Judges every open reminder again by its PIN as it is now, and puts what is current into messages. */
async function assembleOpen(
  ports: ScanPorts,
  campaign: Campaign,
  lease: Lease,
  signal: AbortSignal,
): Promise<{ created: number; skipped: SkipCounts; emptied: number }> {
  const { ledger, pins, clocks } = ports
  let created = 0
  let emptied = 0
  let skipped: SkipCounts = {}
  let after: OpenCursor | null = null
  do {
    signal.throwIfAborted()
    const open = await ledger.plans.open(campaign.key, after, assemblyRows)
    if (open.length > 0) {
      const read = await pins.read(open.map((reminder) => reminder.pinId))
      const at = clocks.business()
      const page = assemble(open, read, campaign, ledger.recipientKey, at)
      const result = await ledger.plans.assemble(campaign.key, page, at)
      created += result.created
      emptied += result.emptied
      skipped = added(skipped, result.skipped)
    }
    const last = open.at(-1)
    after = open.length < assemblyRows || last === undefined ? null : { recipientKey: last.recipientKey, id: last.id }
    await lease.renew()
  } while (after !== null)
  return { created, skipped, emptied }
}

/** The right to scan a campaign, which one scan has at a time. */
interface Lease {
  /** Throws when the lease is another's by now. */
  renew(): Promise<void>
  release(): Promise<void>
}

/** null: another scan has it, and its process may be alive. */
async function takeLease(ports: ScanPorts, campaign: Campaign): Promise<Lease | null> {
  const { leases } = ports.ledger
  const name = `scan:${campaign.key}`
  const holder = JSON.stringify({ worker: ports.worker, token: ports.token() })
  const acquire = (): Promise<boolean> => leases.acquire(name, holder, leaseMs)
  const held = (await acquire()) || ((await releaseOfGone(ports, campaign, name)) && (await acquire()))
  if (!held) return null
  return {
    async renew() {
      if (!(await acquire())) throw new Error(`the lease of scan ${campaign.key} was lost: another process took over`)
    },
    release: () => leases.release(name, holder),
  }
}

/** Ends the lease of a scan whose process did not live to do so itself; false when that is not proven. */
async function releaseOfGone(ports: ScanPorts, campaign: Campaign, name: string): Promise<boolean> {
  const { leases } = ports.ledger
  const holder = await leases.holder(name)
  if (holder === null) return true
  const worker = workerOf(holder)
  if (worker === null || !ports.provenGone(worker)) return false
  ports.log.warn('scan.taken-over', { campaign: campaign.key, worker: worker.name })
  await leases.release(name, holder)
  return true
}

/** null: written by a version that names its holders otherwise. */
function workerOf(holder: string): Worker | null {
  try {
    return (JSON.parse(holder) as { worker?: Worker }).worker ?? null
  } catch {
    return null
  }
}

function groupByPin(known: readonly KnownReminder[]): Map<string, KnownReminder[]> {
  return Map.groupBy(known, (reminder) => reminder.pinId)
}

function added(one: SkipCounts, other: SkipCounts): SkipCounts {
  const sum: Partial<Record<SkipReason, number>> = { ...one }
  for (const [reason, count] of Object.entries(other) as [SkipReason, number][])
    sum[reason] = (sum[reason] ?? 0) + count
  return sum
}
