import { assemble } from '#core/assembly.ts'
import type { Campaign } from '#core/campaign.ts'
import type { Clocks } from '#core/clock.ts'
import { decide, inPilot, planWrites, reach } from '#core/decide.ts'
import type { Instant } from '#core/instant.ts'
import type { KnownReminder, NewReminder, SkipCounts, SkipReason } from '#core/reminder.ts'
import type { Ledger, OpenCursor } from '#ledger/ledger.ts'
import type { Log } from '#observe/observe.ts'
import type { PinCursor, PinSource } from '#pins/pins.ts'

export interface ScanPorts {
  readonly ledger: Pick<Ledger, 'plans' | 'leases' | 'recipientKey'>
  readonly pins: PinSource
  readonly clocks: Clocks
  readonly log: Log
  /** Names this process as the holder of leases. */
  readonly holder: string
}

export interface ScanResult {
  /** PINs within the campaign's reach. */
  readonly examined: number
  /** Reminders written, open or decided at once. */
  readonly planned: number
  /** Reminders decided without a mail, by reason. */
  readonly skipped: SkipCounts
  /** Messages that were left without reminders. */
  readonly emptied: number
}

const pageRows = 1_000
const assemblyRows = 500
/** A scan that shows no progress for this long may be taken over. */
const leaseMs = 60_000

/**
 * Finds the PINs of a campaign that came due, writes what is decided about them, and puts all open reminders into
 * messages. null: another process is at it. Throws when the PINs or the ledger cannot be read; what was written stays,
 * and the next scan goes on from there.
 */
export async function scan(
  ports: ScanPorts,
  { campaign }: { campaign: Campaign },
  signal: AbortSignal,
): Promise<ScanResult | null> {
  const { ledger, clocks, log } = ports
  const lease = `scan:${campaign.key}`
  if (!(await ledger.leases.acquire(lease, ports.holder, leaseMs))) return null
  try {
    const startedAt = clocks.business()
    const { examined, planned, skipped } = await planDue(ports, campaign, startedAt, signal)
    const assembled = await assembleOpen(ports, campaign, signal)
    const finishedAt = clocks.business()
    await ledger.plans.recordScan({ campaign: campaign.key, startedAt, finishedAt, examined, planned })
    log.info('scan.done', { campaign: campaign.key, examined, planned, messages: assembled.created })
    return { examined, planned, skipped: added(skipped, assembled.skipped), emptied: assembled.emptied }
  } finally {
    await ledger.leases.release(lease, ports.holder)
  }
}

/** Pages by key through all PINs in reach: a limit per page never starves the rest. */
async function planDue(
  ports: ScanPorts,
  campaign: Campaign,
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
      if (!inPilot(campaign, key)) continue
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
    await renewLease(ports, campaign)
  } while (after !== null)
  return { examined, planned, skipped }
}

/** Judges every open reminder again by its PIN as it is now, and puts what is current into messages. */
async function assembleOpen(
  ports: ScanPorts,
  campaign: Campaign,
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
    await renewLease(ports, campaign)
  } while (after !== null)
  return { created, skipped, emptied }
}

async function renewLease(ports: ScanPorts, campaign: Campaign): Promise<void> {
  const held = await ports.ledger.leases.acquire(`scan:${campaign.key}`, ports.holder, leaseMs)
  if (!held) throw new Error(`the lease of scan ${campaign.key} was lost: another process took over`)
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
