import type { Campaign } from '#core/campaign.ts'
import type { Ledger, Worker } from '#ledger/ledger.ts'
import type { Log } from '#observe/observe.ts'

/** The right to scan a campaign, which one scan has at a time. */
export interface ScanLease {
  /** Throws when the lease is another's by now. */
  renew(): Promise<void>
  release(): Promise<void>
}

export interface ScanLeasePorts {
  readonly ledger: Pick<Ledger, 'leases'>
  readonly log: Log
  readonly worker: Worker
  /** A new unique token per scan: two scans of one process exclude each other as well. */
  readonly token: () => string
  /** True when the worker's process surely does not exist any more. */
  readonly provenGone: (worker: Worker) => boolean
}

/** A scan that shows no progress for this long may be taken over; at once when its process is proven gone. */
const leaseMs = 60_000

/** Takes the lease of a campaign's scan. null: another scan has it, and its process may be alive. */
export async function takeScanLease(ports: ScanLeasePorts, campaign: Campaign): Promise<ScanLease | null> {
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
async function releaseOfGone(ports: ScanLeasePorts, campaign: Campaign, name: string): Promise<boolean> {
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
