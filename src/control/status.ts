import type { Clocks } from '#core/clock.ts'
import type { Hold } from '#core/hold.ts'
import type { Instant } from '#core/instant.ts'
import { holdInForce, type RatePolicy, rampFactor, rateLimit } from '#core/pace.ts'
import { everything, type Gate, type Ledger, type PaceState } from '#ledger/ledger.ts'
import { type CampaignPorts, viewCampaigns } from './campaigns.ts'
import { closedByGuard } from './portal-guard.ts'

export interface StatusReport {
  readonly gate: Gate
  readonly holds: readonly Hold[]
  readonly campaigns: readonly CampaignStatus[]
  /** Calls per second: allowed now, and begun on average over the last minute. */
  readonly rate: { readonly limit: number; readonly actual: number }
  /** When what may be sent now will be out; null when nothing waits, or nothing may go. */
  readonly finishAt: Instant | null
  readonly oldestDoubtSeconds: number | null
  /** What the queue is to hurry: messages that may be sent now, and calls that are open. */
  readonly queue: { readonly backend: string; readonly waiting: number; readonly active: number }
  readonly scans: readonly ScanStatus[]
}

/** Counts are messages, since the campaign began. */
export interface CampaignStatus {
  readonly key: string
  readonly own: 'on' | 'off'
  readonly effective: 'on' | 'off'
  readonly edited: boolean
  /** Why a guard has closed its gate; null: none has. */
  readonly guard: string | null
  readonly pending: number
  readonly sending: number
  readonly sent: number
  readonly failed: number
  readonly skipped: number
  readonly inDoubt: number
}

export interface ScanStatus {
  readonly campaign: string
  readonly finishedAt: Instant
  readonly examined: number
  /** Since the last scan ended. */
  readonly lagSeconds: number
}

export interface StatusPorts {
  readonly ledger: Pick<Ledger, 'gates' | 'editions' | 'pace' | 'plans' | 'reports' | 'attempts'>
  readonly campaigns: CampaignPorts
  readonly clocks: Clocks
  readonly rate: RatePolicy
  readonly queueUrl: string
}

const minuteMs = 60_000

/** Puts together what an operator asks first. */
export async function readStatus(ports: StatusPorts): Promise<StatusReport> {
  const { ledger, clocks } = ports
  const at = clocks.business()
  const pace = await ledger.pace.read()
  const gate = (await ledger.gates.read(everything)) ?? unreadable
  const campaigns = await campaignStatus(ports)
  const limit = limitNow(ports.rate, pace)
  const hold = holdInForce(pace, ports.rate)
  const ready = gate.state === 'on' ? await readyMessages(ports, campaigns, at) : 0
  return {
    gate,
    holds: hold === null ? [] : [hold],
    campaigns,
    rate: { limit, actual: (await ledger.reports.callsInLast(minuteMs)) / 60 },
    finishAt: ready === 0 || hold !== null ? null : at + Math.ceil((ready / limit) * 1_000),
    oldestDoubtSeconds: await ledger.reports.oldestDoubtSeconds(),
    queue: {
      backend: ports.queueUrl.replace(/:.*$/, ''),
      waiting: ready,
      active: (await ledger.attempts.open()).length,
    },
    scans: (await ledger.plans.lastScans()).map(({ campaign, finishedAt, examined }) => ({
      campaign,
      finishedAt,
      examined,
      lagSeconds: Math.max(0, Math.round((at - finishedAt) / 1_000)),
    })),
  }
}

/** A gate that cannot be read is closed. */
const unreadable: Gate = { scope: everything, state: 'off', epoch: 0, reason: 'there is no gate', actor: '', since: 0 }

async function campaignStatus({ ledger, campaigns }: StatusPorts): Promise<CampaignStatus[]> {
  const counts = await ledger.reports.countsByCampaign()
  return (await viewCampaigns(campaigns)).map(({ key, own, effective, edited, gate }) => {
    const states = counts.get(key)
    return {
      key,
      own,
      effective,
      edited,
      guard: gate !== null && closedByGuard(gate) ? gate.reason : null,
      pending: states?.pending ?? 0,
      sending: states?.sending ?? 0,
      sent: states?.sent ?? 0,
      failed: states?.failed ?? 0,
      skipped: states?.skipped ?? 0,
      inDoubt: states?.in_doubt ?? 0,
    }
  })
}

export function limitNow(rate: RatePolicy, pace: PaceState): number {
  const factor = rampFactor(pace.resumeRamp, pace.databaseAt) * rampFactor(pace.throttledRamp, pace.databaseAt)
  return rateLimit(rate, pace.sesRatePerSecond) * factor
}

async function readyMessages(
  { ledger }: StatusPorts,
  campaigns: readonly CampaignStatus[],
  at: Instant,
): Promise<number> {
  const open = new Set(campaigns.filter(({ effective }) => effective === 'on').map(({ key }) => key))
  const ready = (await ledger.reports.waiting(at)).filter(({ campaign, why }) => why === 'ready' && open.has(campaign))
  return ready.reduce((sum, row) => sum + row.messages, 0)
}
