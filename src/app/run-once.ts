import { setTimeout as pause } from 'node:timers/promises'
import { waitCauses } from '#control/wait-causes.ts'
import type { Instant } from '#core/instant.ts'
import { everything } from '#ledger/ledger.ts'
import { endingGraceMs, type Service } from './service.ts'
import { Tally } from './tally.ts'

/** What a single run did; counts are of this run, `pending` and `waiting` of what is left. */
export interface RunReport {
  readonly at: Instant
  /** Why nothing was done at all. */
  readonly refused: 'gate' | 'stale-source' | null
  /** True when it was told to end before it was done. */
  readonly interrupted: boolean
  readonly scanned: Readonly<Record<string, { readonly examined: number; readonly planned: number }>>
  readonly messages: Tally['messages'] & { readonly pending: number }
  readonly reminders: Tally['reminders'] & { readonly pending: number }
  /** Pending messages by why they wait. */
  readonly waiting: Readonly<Record<string, number>>
  readonly durationMs: number
}

/** A message that is to be tried again this soon is waited for, as long as others get through. */
const worthWaitingMs = 10_000
/** So many rounds in which no message moved, and the run ends. */
const idleRounds = 3

/**
 * Scans, assembles, sends, and ends when nothing may be sent now. `campaign` restricts all of it to one. When the signal
 * aborts, no call begins any more, and those in flight have a short time to end: they are in the report too.
 * The queue of `service` must be this run's own.
 */
export async function runOnce(service: Service, campaign: string | null, signal: AbortSignal): Promise<RunReport> {
  const { ledger, clocks } = service.ports
  const startedMs = clocks.monotonicMs()
  const at = clocks.business()
  const tally = new Tally()
  const refused = await refusal(service)
  const scanned: Record<string, { examined: number; planned: number }> = {}
  if (refused === null) {
    await scanAndSend(service, { tally, scanned }, campaign, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    if (signal.aborted) await endCalls(service)
  }
  const waiting = await waitingNow(service)
  return {
    at,
    refused,
    interrupted: signal.aborted,
    scanned,
    messages: { ...tally.messages, pending: sum(waiting) },
    reminders: { ...tally.reminders, pending: (await ledger.reports.openReminders()).pending },
    waiting,
    durationMs: Math.round(clocks.monotonicMs() - startedMs),
  }
}

async function scanAndSend(
  service: Service,
  { tally, scanned }: { tally: Tally; scanned: Record<string, { examined: number; planned: number }> },
  campaign: string | null,
  signal: AbortSignal,
): Promise<void> {
  const { ledger, clocks, queue, concurrency } = service.ports
  await service.settle()
  const editions = (await service.enabled()).filter(({ campaign: { key } }) => campaign === null || key === campaign)
  const failures: unknown[] = []
  for (const edition of editions) {
    try {
      const result = await service.scan(edition.campaign, signal)
      scanned[edition.campaign.key] = { examined: result?.examined ?? 0, planned: result?.planned ?? 0 }
      if (result !== null) tally.scanned(result)
    } catch (error) {
      // One campaign's failure does not hold up the others; the run ends with it.
      failures.push(error)
    }
  }
  // A queue takes seconds to open: not for nothing.
  const due = await ledger.outbox.sendable(clocks.business(), 1, { campaign: campaign ?? undefined })
  if (due.length > 0) {
    await service.quota(signal)
    await queue.work(
      { send: async (id, jobSignal) => tally.sent(await service.send(id, jobSignal)), clock: async () => {} },
      { sends: concurrency, clock: false },
    )
    await sendAll(service, tally, campaign, signal)
  }
  await service.retain(signal)
  if (failures.length > 0) throw failures[0]
}

async function endCalls({ ports: { queue, policy, log } }: Service): Promise<void> {
  log.info('run.stopping')
  await queue.stop(Math.min(endingGraceMs, policy.timeoutMs))
}

async function refusal({ ports }: Service): Promise<RunReport['refused']> {
  if ((await ports.ledger.gates.read(everything))?.state !== 'on') return 'gate'
  return (await ports.stale()) ? 'stale-source' : null
}

/** Feeds and drains in turn, until a feed finds nothing, or what it finds does not move. */
async function sendAll(service: Service, tally: Tally, only: string | null, signal: AbortSignal): Promise<void> {
  let idle = 0
  while (!signal.aborted && idle < idleRounds) {
    const before = { moved: tally.moved, sent: tally.messages.sent }
    const { fed } = await service.feed(only ?? undefined)
    if (fed === 0) return
    await service.ports.queue.drained(signal)
    idle = tally.moved > before.moved ? 0 : idle + 1
    if (tally.messages.sent > before.sent) await waitForSecondTry(service, signal)
  }
}

/** When nothing else may be sent now, waits for messages that are to be tried again soon. */
async function waitForSecondTry({ ports }: Service, signal: AbortSignal): Promise<void> {
  const now = ports.clocks.business()
  const waiting = await ports.ledger.reports.waiting(now)
  if (waiting.some(({ why }) => why === 'ready')) return
  const next = Math.min(...waiting.filter(({ why }) => why === 'back-off').map(({ nextAt }) => nextAt))
  if (next - now <= worthWaitingMs) await pause(Math.max(0, next - now), undefined, { signal }).catch(() => undefined)
}

/** Pending messages by why they wait: a closed gate, a hold, or their own reason. */
async function waitingNow({ ports }: Service): Promise<Record<string, number>> {
  const at = ports.clocks.business()
  const causeOf = await waitCauses(ports, at)
  const waiting: Record<string, number> = {}
  for (const { campaign, why, messages } of await ports.ledger.reports.waiting(at)) {
    const cause = causeOf(campaign, why)
    waiting[cause] = (waiting[cause] ?? 0) + messages
  }
  return waiting
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}
