import type { JobSchedulerJson } from 'bullmq'
import { finishedJobsVanish, type JobQueue } from './job-queue.ts'
import type { ClockJob, Timetable } from './queue.ts'

/** The one name of a clock job within its queue. Without `:`, which BullMQ keeps for itself. */
export function clockJobKey(job: ClockJob): string {
  return job.campaign === null ? job.name : `${job.name}.${job.campaign}`
}

/**
 * Makes the queue's job schedulers be exactly these. One that is as it should be is not touched, so that its next tick
 * stays where it is.
 */
export async function keepSchedulers(queue: JobQueue, timetable: readonly Timetable[]): Promise<void> {
  const found = new Map((await queue.getJobSchedulers(0, -1)).map((scheduler) => [scheduler.key, scheduler]))
  for (const { job, when } of timetable) {
    const key = clockJobKey(job)
    const scheduler = found.get(key)
    found.delete(key)
    if (scheduler && hasTimes(scheduler, when) && (await isAlive(queue, scheduler))) continue
    const repeat = 'cron' in when ? { pattern: when.cron, tz: when.timeZone } : { every: when.everyMs }
    await queue.upsertJobScheduler(key, repeat, {
      name: job.name,
      data: { campaign: job.campaign },
      opts: finishedJobsVanish,
    })
  }
  for (const key of found.keys()) await queue.removeJobScheduler(key)
}

/** Adds the clock job, unless one waits to run now or runs: of the clock's making, or of a person's. */
export async function startClockJob(queue: JobQueue, job: ClockJob): Promise<void> {
  const key = clockJobKey(job)
  const others = await queue.getJobs(['active', 'waiting', 'prioritized'])
  // A record may go between the listing and its reading; BullMQ then lists undefined.
  if (others.some((other) => other && clockJobKey(clockJobOf(other)) === key)) return
  // The id settles it between two who add at once. Its prefix keeps it off BullMQ's own keys, such as `meta`.
  await queue.add(job.name, { campaign: job.campaign }, { jobId: `now-${key}`, ...finishedJobsVanish })
}

export function clockJobOf(job: { readonly name: string; readonly data: object }): ClockJob {
  const campaign = 'campaign' in job.data && typeof job.data.campaign === 'string' ? job.data.campaign : null
  return { name: job.name, campaign }
}

function hasTimes(scheduler: JobSchedulerJson, when: Timetable['when']): boolean {
  if ('everyMs' in when) return scheduler.every === when.everyMs && scheduler.pattern === undefined
  return scheduler.pattern === when.cron && scheduler.tz === when.timeZone && scheduler.every === undefined
}

/** A scheduler lives by its next job: each one adds the one after it. If that job is lost, it never runs again. */
async function isAlive(queue: JobQueue, { key, next }: JobSchedulerJson): Promise<boolean> {
  if (next === undefined || next > Date.now()) return true
  if ((await queue.getJob(`repeat:${key}:${next}`)) !== undefined) return true
  // Or it has just run to its end.
  return (await queue.getJobScheduler(key))?.next !== next
}
