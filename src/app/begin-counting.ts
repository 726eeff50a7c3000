import type { Campaign } from '#core/campaign.ts'
import type { Outcome } from '#core/outcome.ts'
import { skipReasons } from '#core/reminder.ts'
import type { ClaimRefusal, Settled, WaitReason } from '#ledger/ledger.ts'
import type { Metrics } from '#observe/metrics.ts'

export type CountedJob = 'feed' | 'send' | 'settle' | 'quota' | 'retain'
export type ScanEnd = 'done' | 'failed' | 'busy'

/** Shows as 0 what has not happened yet, as far as it is not of a campaign. */
export function beginCounting(metrics: Metrics): void {
  for (const outcome of callOutcomes) metrics.sesCalls.begin({ outcome })
  for (const result of settlements) metrics.settlements.begin({ result })
  for (const reason of refusals) metrics.claimsRefused.begin({ reason })
  for (const wait of waits) metrics.messagesDeferred.begin({ wait })
  for (const batch of batches) metrics.scanPages.begin({ batch })
  for (const batch of batches) metrics.feeds.begin({ batch })
  for (const task of jobs) metrics.jobsFailed.begin({ task })
}

/** Shows as 0 what has not happened yet to a campaign; may be called again. */
export function beginCampaign(metrics: Metrics, { key: campaign, stages }: Campaign): void {
  for (const stage of stages) {
    for (const outcome of messageOutcomes) metrics.messages.begin({ campaign, stage, outcome })
    metrics.messageLag.begin({ campaign, stage })
  }
  for (const reason of skipReasons) metrics.remindersSkipped.begin({ campaign, reason })
  for (const result of scanEnds) metrics.scans.begin({ campaign, result })
}

const jobs = namesOf<CountedJob>({ feed: true, send: true, settle: true, quota: true, retain: true })
const scanEnds = namesOf<ScanEnd>({ done: true, failed: true, busy: true })
const messageOutcomes = ['sent', 'failed', 'in_doubt'] as const
const batches = ['full', 'part'] as const
const settlements = namesOf<Settled | 'lost'>({ applied: true, late: true, alarm: true, lost: true })
const waits = namesOf<WaitReason>({ window: true, cap: true, limit: true, 'back-off': true, portal: true })
const refusals = namesOf<ClaimRefusal | 'answer-lost'>({
  gate: true,
  'not-pending': true,
  changed: true,
  window: true,
  cap: true,
  limit: true,
  stale: true,
  'answer-lost': true,
})
const callOutcomes = namesOf<Outcome>({
  accepted: true,
  refused: true,
  throttled: true,
  paused: true,
  'set-up': true,
  'not-sent': true,
  unknown: true,
})

/** All of them: the compiler finds one that is missing. */
function namesOf<Name extends string>(names: Readonly<Record<Name, true>>): Name[] {
  return Object.keys(names) as Name[]
}
