import type { Campaign } from '#core/campaign.ts'
import type { Clocks } from '#core/clock.ts'
import type { Edition } from '#core/letter.ts'
import type { RatePolicy } from '#core/pace.ts'
import { feed } from '#jobs/feed.ts'
import { quota } from '#jobs/quota.ts'
import { retain } from '#jobs/retain.ts'
import { type ScanResult, scan } from '#jobs/scan.ts'
import { type SendPorts, type SendReport, send } from '#jobs/send.ts'
import { settle } from '#jobs/settle.ts'
import type { Ledger, Worker } from '#ledger/ledger.ts'
import type { Log } from '#observe/observe.ts'
import type { PinSource } from '#pins/pins.ts'
import type { Queue } from '#queue/queue.ts'

/** Everything that the jobs need, put together by `wire.ts`. */
export interface ServicePorts extends Omit<SendPorts, 'ledger' | 'pins'> {
  readonly ledger: Ledger
  readonly pins: PinSource
  readonly queue: Queue
  readonly clocks: Clocks
  readonly log: Log
  readonly worker: Worker
  readonly rate: RatePolicy
  readonly provenGone: (worker: Worker) => boolean
  readonly addressDays: number
  /** SES calls in flight at most */
  readonly concurrency: number
}

/** Calls unanswered this long after a process was told to end are aborted, and their messages in doubt. */
export const endingGraceMs = 8_000

/** The jobs, each with its ports in hand. */
export interface Service {
  readonly ports: ServicePorts
  scan(campaign: Campaign, signal: AbortSignal): Promise<ScanResult | null>
  feed(only?: string): Promise<{ fed: number }>
  send(messageId: string, signal: AbortSignal): Promise<SendReport>
  settle(): Promise<{ doubts: number }>
  quota(signal: AbortSignal): Promise<void>
  retain(signal: AbortSignal): Promise<number>
  /** The editions of the campaigns whose own gate is on. */
  enabled(): Promise<Edition[]>
}

/** Binds the jobs to their ports. */
export function bindJobs(ports: ServicePorts): Service {
  const { ledger } = ports
  return {
    ports,
    scan: (campaign, signal) => scan(ports, { campaign }, signal),
    feed: (only) => feed(ports, only),
    send: (messageId, signal) => send(ports, { messageId }, signal),
    settle: () => settle({ ...ports, timeoutMs: ports.policy.timeoutMs }),
    quota: (signal) => quota(ports, signal),
    retain: (signal) => retain(ports, signal),
    enabled: async () => {
      const open = new Set((await ledger.gates.list()).filter(({ state }) => state === 'on').map(({ scope }) => scope))
      return (await ledger.editions.all()).filter(({ campaign }) => open.has(campaign.key))
    },
  }
}
