import type { Campaign } from '#core/campaign.ts'
import { quotaEveryMs } from '#core/pace.ts'
import type { ClockJob, Timetable } from '#queue/queue.ts'

/** What the clock runs for the service as a whole. */
export const clockJobs = ['feed', 'settle', 'quota', 'retain'] as const
export type ClockJobName = (typeof clockJobs)[number] | 'scan'

const when: Readonly<Record<(typeof clockJobs)[number], Timetable['when']>> = {
  feed: { everyMs: 3_000 },
  settle: { everyMs: 60_000 },
  quota: { everyMs: quotaEveryMs },
  retain: { cron: '17 3 * * *', timeZone: 'UTC' },
}

/** Everything that the clock starts: the jobs above, and a scan per campaign that is on, by the campaign's own cron line. */
export function timetable(campaigns: readonly Campaign[]): Timetable[] {
  return [
    ...clockJobs.map((name) => ({ job: { name, campaign: null }, when: when[name] })),
    ...campaigns.map(({ key, schedule }) => ({ job: scanOf(key), when: schedule })),
  ]
}

/** The clock job that scans a campaign. */
export function scanOf(campaign: string): ClockJob {
  return { name: 'scan', campaign }
}

/** How often the timetable is compared with the campaigns that are on. */
export const keepTimetableEveryMs = 5_000
