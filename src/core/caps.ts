import { localDate } from './calendar.ts'
import type { Campaign } from './campaign.ts'
import type { Instant } from './instant.ts'

/** A counter of claims, and how high it may go. */
export interface Limit {
  readonly bucket: string
  readonly max: number
}

const hourMs = 3_600_000

/** A campaign's own limits at an instant: hours are UTC's, days those of the campaign's zone. */
export function campaignLimits(campaign: Campaign, at: Instant): Limit[] {
  const { perHour, perDay } = campaign.limit
  const limits: Limit[] = []
  if (perHour !== null) limits.push({ bucket: `${campaign.key}:hour:${Math.floor(at / hourMs)}`, max: perHour })
  if (perDay !== null) limits.push({ bucket: `${campaign.key}:day:${localDate(at, campaign.timeZone)}`, max: perDay })
  return limits
}

/** The limits of those campaigns that have any, by key. */
export function limitsByCampaign(campaigns: readonly Campaign[], at: Instant): Map<string, readonly Limit[]> {
  const limits = campaigns.map((campaign) => [campaign.key, campaignLimits(campaign, at)] as const)
  return new Map(limits.filter(([, own]) => own.length > 0))
}

/** How many more claims all of the limits allow; `counted` tells how often a bucket has counted. */
export function roomLeft(limits: readonly Limit[], counted: (bucket: string) => number): number {
  return Math.max(0, Math.min(...limits.map(({ bucket, max }) => max - counted(bucket))))
}

/** When a campaign at its limit is worth another try: at the next full hour, also for a day's limit. */
export function nextLimitAt(at: Instant): Instant {
  return (Math.floor(at / hourMs) + 1) * hourMs
}
