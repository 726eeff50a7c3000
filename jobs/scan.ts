import { assemble } from '#core/assembly.ts'
import type { Campaign } from '#core/campaign.ts'
import type { Clocks } from '#core/clock.ts'
import { decide, planWrites, reach } from '#core/decide.ts'
import type { Instant } from '#core/instant.ts'
import { addSkips, type SkipCounts } from '#core/reminder.ts'
import type { Ledger } from '#ledger/ledger.ts'
import type { PinSource } from '#pins/pins.ts'
import { openReminders } from './open-reminders.ts'
import { pinsInReach } from './reach.ts'
import type { PortalGuard } from './reread.ts'
import { type ScanLease, type ScanLeasePorts, takeScanLease } from './scan-lease.ts'

export interface ScanPorts extends ScanLeasePorts {
  readonly ledger: Pick<Ledger, 'plans' | 'leases' | 'recipients'>
  readonly pins: PinSource
  readonly guard: PortalGuard
  readonly clocks: Clocks
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
  const lease = await takeScanLease(ports, campaign)
  if (lease === null) return null
  try {
    const startedAt = clocks.business()
    const { examined, planned, skipped } = await planDue(ports, campaign, lease, startedAt, signal)
    const assembled = await assembleOpen(ports, campaign, lease, signal)
    const finishedAt = clocks.business()
    await ledger.plans.recordScan({ campaign: campaign.key, startedAt, finishedAt, examined, planned })
    log.info('scan.done', { campaign: campaign.key, examined, planned, messages: assembled.created })
    return { examined, planned, skipped: addSkips(skipped, assembled.skipped), emptied: assembled.emptied }
  } finally {
    await lease.release()
  }
}

/** Decides about every PIN in reach, and writes what the ledger lacks, page by page. */
async function planDue(
  ports: ScanPorts,
  campaign: Campaign,
  lease: ScanLease,
  at: Instant,
  signal: AbortSignal,
): Promise<Omit<ScanResult, 'emptied'>> {
  let examined = 0
  let planned = 0
  let skipped: SkipCounts = {}
  for await (const page of pinsInReach(ports, campaign, reach(campaign, at), signal)) {
    const writes = page.map(({ pin, recipient, known }) =>
      planWrites(decide(pin, campaign, recipient, at), known, recipient),
    )
    const inserts = writes.flatMap((one) => one.inserts)
    const reopens = writes.flatMap((one) => one.reopens)
    if (inserts.length + reopens.length > 0) {
      const written = await ports.ledger.plans.write(campaign.key, { inserts, reopens }, at)
      planned += written.planned
      skipped = addSkips(skipped, written.skipped)
    }
    examined += page.length
    await lease.renew()
  }
  return { examined, planned, skipped }
}

/** Judges every open reminder again by its PIN as it is now, and puts what is current into messages. */
async function assembleOpen(
  ports: ScanPorts,
  campaign: Campaign,
  lease: ScanLease,
  signal: AbortSignal,
): Promise<{ created: number; skipped: SkipCounts; emptied: number }> {
  const { ledger, clocks, guard } = ports
  let created = 0
  let emptied = 0
  let skipped: SkipCounts = {}
  for await (const { open, pins, recipients, seen } of openReminders(ports, campaign, signal)) {
    await guard.saw(campaign.key, seen)
    const at = clocks.business()
    const result = await ledger.plans.assemble(campaign.key, assemble(open, pins, campaign, recipients, at), at)
    created += result.created
    emptied += result.emptied
    skipped = addSkips(skipped, result.skipped)
    await lease.renew()
  }
  return { created, skipped, emptied }
}
