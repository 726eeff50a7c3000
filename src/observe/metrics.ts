import type { Counter, Durations, Gauge } from './observe.ts'
import { processMetrics } from './process-metrics.ts'
import { MetricRegistry } from './registry.ts'

/** All that the service tells of itself to whoever watches it from outside. What each is good for stands in docs/metrics.md. */
export interface Metrics {
  readonly messages: Counter<'campaign' | 'stage' | 'outcome'>
  readonly remindersSkipped: Counter<'campaign' | 'reason'>
  readonly messageLag: Durations<'campaign' | 'stage'>
  readonly messagesDeferred: Counter<'wait'>
  readonly claimsRefused: Counter<'reason'>
  readonly sesCalls: Counter<'outcome'>
  readonly sesCallDuration: Durations<never>
  readonly settlements: Counter<'result'>
  readonly slots: Counter<never>
  readonly slotsGivenUp: Counter<never>
  readonly scans: Counter<'campaign' | 'result'>
  readonly scanPages: Counter<'batch'>
  readonly feeds: Counter<'batch'>
  readonly jobsFailed: Counter<'task'>

  readonly ledgerReadable: Gauge<never>
  readonly queueReadable: Gauge<never>
  readonly queueJobs: Gauge<'state'>
  readonly ofLedger: LedgerGauges
}

/** What the ledger says of the service as a whole: one process tells it for all. */
export interface LedgerGauges {
  readonly sendingAllowed: Gauge<'scope'>
  readonly closedByGuard: Gauge<'scope'>
  readonly hold: Gauge<'cause'>
  readonly oldestDueAge: Gauge<'campaign' | 'stage'>
  readonly oldestDoubtAge: Gauge<never>
  readonly lastScanSuccess: Gauge<'campaign'>
  readonly limitReached: Gauge<'campaign'>
  readonly paceLimit: Gauge<never>
  readonly attemptsOpen: Gauge<never>
}

/** The metrics as they are served. */
export interface OpenedMetrics {
  readonly metrics: Metrics
  readonly contentType: string
  readonly text: () => Promise<string>
  close(): void
}

const callBucketsSeconds = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 8, 15]
/** From a minute to four days. */
const lagBucketsSeconds = [60, 300, 900, 3_600, 14_400, 28_800, 86_400, 172_800, 345_600]

/** Opens all metrics: those without labels at 0, where they count, and left out, where they are read. */
export function openMetrics(): OpenedMetrics {
  const registry = new MetricRegistry()
  const process = processMetrics(registry)
  const counter = <Label extends string = never>(name: string, help: string, labels: readonly Label[] = []) =>
    registry.counter<Label>({ name, help, labels })
  const gauge = <Label extends string = never>(name: string, help: string, labels: readonly Label[] = []) =>
    registry.gauge<Label>({ name, help, labels })

  const metrics: Metrics = {
    messages: counter(
      'forewarn_messages_total',
      'Messages that SES accepted (sent) or refused (failed), or whose call ended without an answer (in_doubt).',
      ['campaign', 'stage', 'outcome'],
    ),
    remindersSkipped: counter('forewarn_reminders_skipped_total', 'Reminders decided without a mail, by reason.', [
      'campaign',
      'reason',
    ]),
    messageLag: registry.durations({
      name: 'forewarn_message_lag_seconds',
      help: 'From when the most urgent reminder of a message came due until SES accepted it.',
      labels: ['campaign', 'stage'],
      bucketsSeconds: lagBucketsSeconds,
    }),
    messagesDeferred: counter('forewarn_messages_deferred_total', 'Messages put off when they were tried, by cause.', [
      'wait',
    ]),
    claimsRefused: counter('forewarn_claims_refused_total', 'Claims that the ledger refused, by reason.', ['reason']),
    sesCalls: counter('forewarn_ses_calls_total', 'Calls of SES for a message, by what their end means.', ['outcome']),
    sesCallDuration: registry.durations({
      name: 'forewarn_ses_call_duration_seconds',
      help: 'How long calls of SES for a message took that went out on the network.',
      labels: [],
      bucketsSeconds: callBucketsSeconds,
    }),
    settlements: counter(
      'forewarn_settlements_total',
      'Ends of calls by what the ledger made of them; alarm: a message was perhaps accepted twice.',
      ['result'],
    ),
    slots: counter('forewarn_pace_slots_total', 'Moments at which a call may begin that messages were given.'),
    slotsGivenUp: counter(
      'forewarn_pace_slots_given_up_total',
      'Slots that were too old when the mail was ready: the message is tried again.',
    ),
    scans: counter('forewarn_scans_total', 'Scans that were begun, by how they ended.', ['campaign', 'result']),
    scanPages: counter('forewarn_scan_pages_total', 'Pages of PINs that scans read.', ['batch']),
    feeds: counter('forewarn_feeds_total', 'Feeds of the queue; full: more is due than the queue is to hold.', [
      'batch',
    ]),
    jobsFailed: counter('forewarn_jobs_failed_total', 'Runs of a job that ended with an error.', ['task']),

    ledgerReadable: gauge('forewarn_ledger_readable', '1 when this process could read the ledger for this scrape.'),
    queueReadable: gauge('forewarn_queue_readable', '1 when the queue answered this process for this scrape.'),
    queueJobs: gauge('forewarn_queue_jobs', 'Messages in the queue.', ['state']),
    ofLedger: {
      sendingAllowed: gauge('forewarn_sending_allowed', '1 when gates let mails go: scope * is the kill switch.', [
        'scope',
      ]),
      closedByGuard: gauge(
        'forewarn_closed_by_guard',
        '1 while a gate is off since a guard closed it: a person must open it.',
        ['scope'],
      ),
      hold: gauge('forewarn_hold', '1 while forewarn holds itself back for this cause.', ['cause']),
      oldestDueAge: gauge(
        'forewarn_oldest_due_age_seconds',
        'For how long the message that is first in line could have gone: due, its window open, pending. 0: none.',
        ['campaign', 'stage'],
      ),
      oldestDoubtAge: gauge('forewarn_oldest_doubt_age_seconds', 'Age of the oldest message in doubt. 0: none.'),
      lastScanSuccess: gauge(
        'forewarn_last_scan_success_timestamp_seconds',
        'When the last scan ended well. 0: never.',
        ['campaign'],
      ),
      limitReached: gauge('forewarn_limit_reached', '1 while the limit of this hour or day lets no more out.', [
        'campaign',
      ]),
      paceLimit: gauge('forewarn_pace_limit_per_second', 'Calls per second that are allowed now, over all processes.'),
      attemptsOpen: gauge('forewarn_attempts_open', 'Calls whose end is not known yet, over all processes.'),
    },
  }
  return {
    metrics,
    contentType: registry.contentType,
    text() {
      process.read()
      return registry.text()
    },
    close: () => process.close(),
  }
}
