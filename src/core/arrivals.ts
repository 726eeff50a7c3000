import type { ComingReminder } from './forecast.ts'
import type { Instant } from './instant.ts'
import { recipientHash } from './recipient-hash.ts'
import { priorityOf } from './stages.ts'

/** A coming reminder, as far as counting mails needs it. */
export interface Arrival {
  /** A number that stands for it. */
  readonly campaign: number
  readonly recipient: number
  readonly priority: number
  readonly expiresAt: Instant
  readonly notBefore: Instant
  /** Infinity: none. */
  readonly notAfter: Instant
  readonly endsAt: Instant
  readonly timeZone: string
  /** Not planned just now: it waited in a mail before. */
  readonly inMail: boolean
}

/** Coming reminders by the scan that brings them. Held as bare numbers, since a year of a million PINs has millions. */
export class Arrivals {
  readonly #planned = new Map<Instant, number[]>()
  readonly #inMails = new Map<Instant, number[]>()
  readonly #zones: string[] = []

  /** `inMail`: it is in a pending mail at `plannedAt`, before anything is planned then. */
  add(campaign: number, recipientKey: string, reminder: ComingReminder, inMail = false): void {
    const { stage, plannedAt, expiresAt, notBefore, endsAt } = reminder
    const byTick = inMail ? this.#inMails : this.#planned
    const packed = byTick.get(plannedAt) ?? []
    const notAfter = reminder.notAfter ?? Number.POSITIVE_INFINITY
    const zone = this.#zone(reminder.timeZone)
    const recipient = recipientNumber(recipientKey)
    packed.push(campaign, recipient, priorityOf(stage), expiresAt, notBefore, notAfter, endsAt, zone)
    byTick.set(plannedAt, packed)
  }

  /** The scans that bring something, in order. */
  ticks(): Instant[] {
    const ticks = new Set([...this.#planned.keys(), ...this.#inMails.keys()])
    return [...ticks].sort((one, other) => one - other)
  }

  /** What a scan brings: what is in mails already, then what it plans, each most urgent first. */
  at(tick: Instant): Arrival[] {
    const inMails = this.#unpacked(this.#inMails.get(tick) ?? [], true)
    const planned = this.#unpacked(this.#planned.get(tick) ?? [], false)
    return [...inMails.sort(byUrgency), ...planned.sort(byUrgency)]
  }

  #unpacked(packed: readonly number[], inMail: boolean): Arrival[] {
    const arrivals: Arrival[] = []
    for (let start = 0; start < packed.length; start += packedNumbers) {
      const numbers = packed.slice(start, start + packedNumbers)
      const [campaign = 0, recipient = 0, priority = 0, expiresAt = 0, ...times] = numbers
      const [notBefore = 0, notAfter = 0, endsAt = 0, zone = 0] = times
      const timeZone = this.#zones[zone] ?? ''
      arrivals.push({ campaign, recipient, priority, expiresAt, notBefore, notAfter, endsAt, timeZone, inMail })
    }
    return arrivals
  }

  #zone(timeZone: string): number {
    const known = this.#zones.indexOf(timeZone)
    return known === -1 ? this.#zones.push(timeZone) - 1 : known
  }
}

const packedNumbers = 8

/** The most urgent stage first, then the nearest expiry, as assembly has it. */
export function byUrgency(one: Arrival, other: Arrival): number {
  return one.priority - other.priority || one.expiresAt - other.expiresAt
}

/** Stands for a recipient in 53 bits. Among a million, two share one in one of ten thousand forecasts. */
export function recipientNumber(recipientKey: string): number {
  return recipientHash('pilot', '', recipientKey) * 2 ** 21 + (recipientHash('spread', '', recipientKey) >>> 11)
}
