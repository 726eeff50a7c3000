import { CronExpressionParser } from 'cron-parser'
import type { Campaign } from '#core/campaign.ts'
import type { NextTick } from '#core/forecast.ts'
import type { Instant } from '#core/instant.ts'

/** When the scans of a campaign run, by its cron line. */
export function nextTickOf({ schedule }: Pick<Campaign, 'schedule'>): NextTick {
  return (at) => {
    // Strictly after, by cron-parser's reading: a millisecond before, so that an instant that is a tick counts.
    const currentDate = new Date(at - 1)
    return CronExpressionParser.parse(schedule.cron, { tz: schedule.timeZone, currentDate }).next().getTime()
  }
}

/** The last tick of a campaign before an instant. */
export function lastTick({ schedule }: Pick<Campaign, 'schedule'>, at: Instant): Instant {
  const currentDate = new Date(at)
  return CronExpressionParser.parse(schedule.cron, { tz: schedule.timeZone, currentDate }).prev().getTime()
}
