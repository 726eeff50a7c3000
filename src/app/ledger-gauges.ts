import { closedByGuard } from '#control/portal-guard.ts'
import { limitNow } from '#control/status.ts'
import type { Campaign } from '#core/campaign.ts'
import { limitsByCampaign } from '#core/caps.ts'
import type { HoldCause } from '#core/hold.ts'
import type { Instant } from '#core/instant.ts'
import { holdInForce } from '#core/pace.ts'
import { everything, type Gate, type Ledger } from '#ledger/ledger.ts'
import type { LedgerGauges } from '#observe/metrics.ts'
import type { ServicePorts } from './service.ts'

/** What the ledger says of the service as a whole, at one instant. */
export interface LedgerNow {
  readonly at: Instant
  /** Those that are enabled. */
  readonly campaigns: readonly Campaign[]
  readonly gates: readonly Gate[]
  readonly hold: HoldCause | null
  readonly paceLimit: number
  /** How many more mails their limits allow campaigns that have any. */
  readonly rooms: ReadonlyMap<string, number>
  readonly oldestDue: Awaited<ReturnType<Ledger['reports']['oldestDue']>>
  readonly oldestDoubtSeconds: number | null
  readonly scannedAt: ReadonlyMap<string, Instant>
  readonly attemptsOpen: number
}

/** Reads little, and nothing that grows with what was ever sent. Throws when the ledger cannot be read. */
export async function readLedger(
  { ledger, clocks, rate }: Pick<ServicePorts, 'ledger' | 'clocks' | 'rate'>,
  campaigns: readonly Campaign[],
): Promise<LedgerNow> {
  const at = clocks.business()
  const pace = await ledger.pace.read()
  const scans = await ledger.plans.lastScans()
  return {
    at,
    campaigns,
    gates: await ledger.gates.list(),
    hold: holdInForce(pace, rate)?.cause ?? null,
    paceLimit: limitNow(rate, pace),
    rooms: await ledger.outbox.rooms(limitsByCampaign(campaigns, at)),
    oldestDue: await ledger.reports.oldestDue(at),
    oldestDoubtSeconds: await ledger.reports.oldestDoubtSeconds(),
    scannedAt: new Map(scans.map(({ campaign, finishedAt }) => [campaign, finishedAt])),
    attemptsOpen: (await ledger.attempts.open()).length,
  }
}

/** What is not known is not shown. */
export function hideLedger(gauges: LedgerGauges): void {
  for (const gauge of Object.values(gauges)) gauge.show([])
}

const holdCauses: Readonly<Record<HoldCause, true>> = { 'set-up': true, paused: true, quota: true, outage: true }

/** What is well is shown as 0, and never left out. */
export function showLedger(gauges: LedgerGauges, now: LedgerNow): void {
  const { campaigns } = now
  gauges.paceLimit.show([{ labels: {}, value: now.paceLimit }])
  gauges.attemptsOpen.show([{ labels: {}, value: now.attemptsOpen }])
  gauges.oldestDoubtAge.show([{ labels: {}, value: now.oldestDoubtSeconds ?? 0 }])
  gauges.oldestDueAge.show([...noneDue(campaigns), ...dueAges(now)])
  gauges.hold.show(Object.keys(holdCauses).map((cause) => ({ labels: { cause }, value: Number(cause === now.hold) })))
  gauges.lastScanSuccess.show(
    campaigns.map(({ key }) => ({ labels: { campaign: key }, value: (now.scannedAt.get(key) ?? 0) / 1_000 })),
  )
  gauges.limitReached.show(
    campaigns.map(({ key }) => ({ labels: { campaign: key }, value: Number(now.rooms.get(key) === 0) })),
  )
  showGates(gauges, now.gates)
}

/** Also while messages of it are on their way, a campaign's stage that has none waiting has an age of 0. */
function noneDue(campaigns: readonly Campaign[]) {
  return campaigns.flatMap(({ key, stages }) => stages.map((stage) => ({ labels: { campaign: key, stage }, value: 0 })))
}

function dueAges({ at, oldestDue }: LedgerNow) {
  return oldestDue.map(({ campaign, stage, since }) => ({
    labels: { campaign, stage },
    value: Math.max(0, at - since) / 1_000,
  }))
}

function showGates(gauges: LedgerGauges, gates: readonly Gate[]): void {
  const open = new Set(gates.filter(({ state }) => state === 'on').map(({ scope }) => scope))
  const scopes = [...new Set([everything, ...gates.map(({ scope }) => scope)])]
  gauges.sendingAllowed.show(
    scopes.map((scope) => ({ labels: { scope }, value: Number(open.has(everything) && open.has(scope)) })),
  )
  gauges.closedByGuard.show(
    gates.map((gate) => ({ labels: { scope: gate.scope }, value: Number(closedByGuard(gate)) })),
  )
}
