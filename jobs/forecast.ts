import { Arrivals } from '#core/arrivals.ts'
import { dayMs, localDate, localDay, timeOfDay } from '#core/calendar.ts'
import type { Campaign } from '#core/campaign.ts'
import { campaignLimits } from '#core/caps.ts'
import type { NextTick } from '#core/forecast.ts'
import type { Instant } from '#core/instant.ts'
import { type OutlookCampaign, outlook } from '#core/outlook.ts'
import { type RatePolicy, rateLimit } from '#core/pace.ts'
import { rememberedTicks } from '#core/remembered-ticks.ts'
import type { Ledger } from '#ledger/ledger.ts'
import { addComing, type ComingPorts } from './coming.ts'

export interface ForecastPorts extends ComingPorts {
  readonly ledger: Pick<Ledger, 'plans' | 'outbox' | 'pace' | 'recipients'>
  /** When a campaign is scanned, by its cron line. */
  readonly nextTick: (campaign: Campaign) => NextTick
  readonly lastTick: (campaign: Campaign, before: Instant) => Instant
  readonly policy: { readonly perAddressPerDay: number | null; readonly rate: RatePolicy }
}

/** A campaign, and whether its own gate is on. */
export interface Forecasted {
  readonly campaign: Campaign
  readonly own: 'on' | 'off'
}

/** One date, from the earliest that a campaign has now; counts are by campaign, 0 included. */
export interface ForecastDay {
  /** In the zone of each campaign. */
  readonly date: string
  /** Mails that are ready on that day, those left over from the day before included. */
  readonly messages: Readonly<Record<string, number>>
  /** How many of these a limit holds back. */
  readonly over: Readonly<Record<string, number>>
}

/**
 * Foretells what each campaign sends on each of so many days, as if nothing were stopped from `at` on: by the rules of scan,
 * assembly and sending, for PINs that stay as they are. A campaign that is off is shown as if it were on, and takes nothing
 * of what the others share. Writes nothing. Throws when the PINs or the ledger cannot be read, or the signal aborts.
 */
export async function forecast(
  ports: ForecastPorts,
  { campaigns, at, days }: { campaigns: readonly Forecasted[]; at: Instant; days: number },
  signal: AbortSignal,
): Promise<ForecastDay[]> {
  const all = campaigns.map(({ campaign }) => campaign)
  const zones = all.length === 0 ? ['UTC'] : all.map(({ timeZone }) => timeZone)
  const firstDay = Math.min(...zones.map((zone) => localDay(at, zone)))
  // The same for all: also past its own last day a campaign uses what it shares with the others.
  const untilAt = Math.max(...zones.map((zone) => timeOfDay(firstDay + days, 0, zone)))
  const clocked = await onTheClock(ports, all, at)
  const arrivals = new Arrivals()
  for (const [number, one] of clocked.entries())
    await addComing(ports, { arrivals, number, ...one }, { fromAt: at, untilAt }, signal)

  const { quota, sesRatePerSecond } = await ports.ledger.pace.read()
  const { rate, perAddressPerDay } = ports.policy
  const isPaceKnown = rate.perSecond !== null || sesRatePerSecond !== null
  const perSecond = isPaceKnown ? rateLimit(rate, sesRatePerSecond) : null
  const counted = await countedBefore(ports, all, at)
  const given = { arrivals, shared: { perAddressPerDay, quota, rate, perSecond }, counted, untilAt }
  const numbered = [...clocked.entries()]
  const isOn = (number: number): boolean => campaigns[number]?.own === 'on'
  const asItIs = outlook({ ...given, campaigns: new Map(numbered.filter(([number]) => isOn(number))) })
  const ifAllWereOn = outlook({ ...given, campaigns: new Map(numbered) })
  return Array.from({ length: days }, (_, ahead) => {
    const day = firstDay + ahead
    const counts = all.map(({ key }, number) => {
      const own = (isOn(number) ? asItIs : ifAllWereOn).get(number)?.get(day)
      return { key, sent: own?.sent ?? 0, over: own?.over ?? 0 }
    })
    return {
      date: localDate(day * dayMs, 'UTC'),
      messages: Object.fromEntries(counts.map(({ key, sent, over }) => [key, sent + over])),
      over: Object.fromEntries(counts.map(({ key, over }) => [key, over])),
    }
  })
}

/** Campaigns with the scans of a service that starts at `at`. */
async function onTheClock(
  { ledger, nextTick, lastTick }: ForecastPorts,
  campaigns: readonly Campaign[],
  at: Instant,
): Promise<OutlookCampaign[]> {
  const scanned = new Map((await ledger.plans.lastScans()).map(({ campaign, startedAt }) => [campaign, startedAt]))
  return campaigns.map((campaign) => {
    const next = rememberedTicks(nextTick(campaign))
    const scannedAt = scanned.get(campaign.key)
    // It makes up at once for a tick that found nobody.
    const scansAtOnce = scannedAt === undefined || scannedAt < lastTick(campaign, at)
    return {
      campaign,
      nextTick: (from) => (scansAtOnce && from <= at ? at : next(from)),
    }
  })
}

/** What of the campaigns' limits of this hour and day is used already. */
async function countedBefore(
  { ledger }: ForecastPorts,
  campaigns: readonly Campaign[],
  at: Instant,
): Promise<Map<string, number>> {
  const limits = campaigns.flatMap((campaign) => campaignLimits(campaign, at))
  const rooms = await ledger.outbox.rooms(new Map(limits.map((limit) => [limit.bucket, [limit]])))
  return new Map(limits.map(({ bucket, max }) => [bucket, max - (rooms.get(bucket) ?? max)]))
}
