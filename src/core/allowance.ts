import { type DayNumber, localDay } from './calendar.ts'
import type { Campaign } from './campaign.ts'
import { campaignLimits, type Limit } from './caps.ts'
import type { Instant } from './instant.ts'
import { type Quota, quotaRoom, type RatePolicy } from './pace.ts'

/** What holds mails back beside the campaigns' own limits. */
export interface SharedLimits {
  readonly perAddressPerDay: number | null
  /** SES's daily quota; null: unlimited, or not known. */
  readonly quota: Quota | null
  readonly rate: RatePolicy
  /** Calls a second, over all campaigns; null: not known. */
  readonly perSecond: number | null
}

/** Counts mails on paper towards the limits that claims count towards, and says which is used up. */
export class Allowance {
  readonly #shared: SharedLimits
  readonly #byBucket: Map<string, number>
  readonly #byDay = new Map<DayNumber, Map<number, number>>()
  readonly #byHour = new Map<number, number>()
  /** Of each campaign, as they are at the last instant asked for: the same one is asked for many mails. */
  readonly #limits = new Map<Campaign, { readonly at: Instant; readonly limits: readonly Limit[] }>()

  /** `counted`: claims that the limits' buckets have counted before. */
  constructor(shared: SharedLimits, counted: ReadonlyMap<string, number>) {
    this.#shared = shared
    this.#byBucket = new Map(counted)
  }

  /** By the campaign's limits, by the pace, hour by hour, or by SES's quota: what was sent in the last 24 hours. */
  isLimited(campaign: Campaign, at: Instant): boolean {
    if (this.#limitsOf(campaign, at).some(({ bucket, max }) => (this.#byBucket.get(bucket) ?? 0) >= max)) return true
    const { quota, rate, perSecond } = this.#shared
    if (perSecond !== null && (this.#byHour.get(hourOf(at)) ?? 0) >= perSecond * secondsAnHour) return true
    return quota !== null && quotaRoom({ max24Hour: quota.max24Hour, used: this.#sentBefore(quota, at) }, rate) < 1
  }

  isCapped(recipient: number, zone: string, at: Instant): boolean {
    const { perAddressPerDay } = this.#shared
    return perAddressPerDay !== null && (this.#byDay.get(localDay(at, zone))?.get(recipient) ?? 0) >= perAddressPerDay
  }

  use(campaign: Campaign, recipient: number, zone: string, at: Instant): void {
    for (const { bucket } of this.#limitsOf(campaign, at)) countUp(this.#byBucket, bucket)
    countUp(this.#byHour, hourOf(at))
    if (this.#shared.perAddressPerDay !== null) countUp(this.#ofDay(localDay(at, zone)), recipient)
  }

  #limitsOf(campaign: Campaign, at: Instant): readonly Limit[] {
    const known = this.#limits.get(campaign)
    if (known?.at === at) return known.limits
    const limits = campaignLimits(campaign, at)
    this.#limits.set(campaign, { at, limits })
    return limits
  }

  #sentBefore({ used, askedAt }: Quota, at: Instant): number {
    const hour = hourOf(at)
    // When each of those went is not known: all count until the last may leave the window.
    let sent = hour - hourOf(askedAt) < hoursOfQuota ? used : 0
    for (let back = 0; back < hoursOfQuota; back++) sent += this.#byHour.get(hour - back) ?? 0
    return sent
  }

  /** Days that are over in every zone are forgotten. */
  #ofDay(day: DayNumber): Map<number, number> {
    const known = this.#byDay.get(day)
    if (known !== undefined) return known
    for (const old of this.#byDay.keys()) if (old < day - daysSideBySide) this.#byDay.delete(old)
    const counts = new Map<number, number>()
    this.#byDay.set(day, counts)
    return counts
  }
}

const hoursOfQuota = 24
const secondsAnHour = 3_600
/** Of all zones at one instant, and one to spare. */
const daysSideBySide = 3

function hourOf(at: Instant): number {
  return Math.floor(at / 3_600_000)
}

function countUp<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
