import { Agenda } from './agenda.ts'
import { Allowance, type SharedLimits } from './allowance.ts'
import { type Arrival, type Arrivals, byUrgency } from './arrivals.ts'
import { type DayNumber, localDay, nextDayOpening, type Opening, openingAt, timeOfDay } from './calendar.ts'
import type { Campaign } from './campaign.ts'
import { nextLimitAt } from './caps.ts'
import type { NextTick } from './forecast.ts'
import type { Instant } from './instant.ts'

/** A campaign whose days are counted. */
export interface OutlookCampaign {
  readonly campaign: Campaign
  readonly nextTick: NextTick
}

/** Mails of one campaign on one day of its zone. */
export interface DayCount {
  readonly sent: number
  /** Ready on that day, and kept back by a limit to a later day, or for ever. */
  readonly over: number
}

/** What is to come, and all that stands in its way. */
export interface OutlookGiven {
  /** By the number that arrivals name them by; of others, nothing is sent. */
  readonly campaigns: ReadonlyMap<number, OutlookCampaign>
  readonly arrivals: Arrivals
  readonly shared: SharedLimits
  /** Claims that the buckets of the campaigns' limits have counted before. */
  readonly counted: ReadonlyMap<string, number>
  /** Here it ends, for all campaigns at once. */
  readonly untilAt: Instant
}

/**
 * Sends coming reminders on paper, by the rules of assembly and of the send job: one mail per campaign and recipient,
 * which later reminders join while it waits, most urgent first, through windows, limits and caps. Gives the counts of each
 * campaign by its own days; days without a mail are not there.
 */
export function outlook(given: OutlookGiven): Map<number, ReadonlyMap<DayNumber, DayCount>> {
  return new Outlook(given).run()
}

class Outlook {
  readonly #books: ReadonlyMap<number, Book>
  readonly #arrivals: Arrivals
  readonly #tries = new Agenda<Mail>()
  readonly #allowance: Allowance
  readonly #untilAt: Instant

  constructor({ campaigns, arrivals, shared, counted, untilAt }: OutlookGiven) {
    const newBook = (campaign: OutlookCampaign): Book => ({ ...campaign, waiting: new Map(), counts: new Map() })
    this.#books = new Map([...campaigns].map(([number, campaign]) => [number, newBook(campaign)]))
    this.#arrivals = arrivals
    this.#allowance = new Allowance(shared, counted)
    this.#untilAt = untilAt
  }

  run(): Map<number, ReadonlyMap<DayNumber, DayCount>> {
    const ticks = this.#arrivals.ticks()
    for (let next = 0; ; ) {
      const tick = ticks[next] ?? never
      const at = Math.min(tick, this.#tries.nextAt)
      if (at >= this.#untilAt) return new Map([...this.#books].map(([number, { counts }]) => [number, counts]))
      if (at === tick) {
        next += 1
        this.#assemble(at)
      }
      if (at < this.#tries.nextAt) continue
      // A mail that was moved or has ended is still listed where it was.
      const listed = this.#tries.take().filter((mail) => mail.tryAt === at)
      const ready = listed.filter((mail) => this.#isReady(mail, at))
      for (const mail of ready.sort(inOrder)) this.#try(mail, at)
    }
  }

  #assemble(at: Instant): void {
    for (const arrival of this.#arrivals.at(at)) {
      const book = this.#books.get(arrival.campaign)
      if (book === undefined) continue
      const home = book.waiting.get(arrival.recipient)
      if (home === undefined || isEmptied(home, at)) {
        if (home !== undefined) end(home)
        const mail = newMail(book, arrival)
        book.waiting.set(mail.recipient, mail)
        this.#putToWindow(mail, arrival, at)
        if (!arrival.inMail) mail.draftedAt = at
        continue
      }
      home.reminders.push(arrival)
      if (arrival.inMail) continue
      // The most urgent one that a scan brings speaks for the others.
      const opensEarlier = home.waitsForWindow && arrival.notBefore < home.notBefore
      if (opensEarlier && home.draftedAt < at) this.#putToWindow(home, arrival, at)
      // One that waits for room is looked at again: it may have become worth counting.
      else if (home.notBefore <= at && at < home.notAfter) this.#put(home, home, at)
      home.draftedAt = at
    }
  }

  /** Does to a mail what scans have done by now: reminders that ended are out, and one that missed its opening has the next. */
  #isReady(mail: Mail, at: Instant): boolean {
    const { campaign } = mail.book
    mail.reminders = mail.reminders.filter((reminder) => !isSwept(mail, reminder, at))
    const first = mostUrgentOf(mail.reminders)
    if (first === undefined) {
      end(mail)
      return false
    }
    mail.priority = first.priority
    if (mail.notAfter <= at) Object.assign(mail, spanOf(openingAt(campaign.window, first.timeZone, at)))
    if (mail.notBefore <= at) return true
    this.#putToWindow(mail, mail, at)
    return false
  }

  /** As the feed does: a mail for which a limit has no room is passed over as it is. */
  #try(mail: Mail, at: Instant): void {
    if (!this.#allowance.isLimited(mail.book.campaign, at)) {
      this.#send(mail, at)
      return
    }
    if (mail.reminders.some(({ endsAt }) => endsAt > at)) hold(mail, at)
    this.#putToRoom(mail, at)
  }

  /** As the send job does, which judges by the moment: a scan may not have seen yet that a reminder has ended. */
  #send(mail: Mail, at: Instant): void {
    const { campaign } = mail.book
    mail.reminders = mail.reminders.filter(({ endsAt }) => endsAt > at)
    const zone = mostUrgentOf(mail.reminders)?.timeZone
    if (zone === undefined) {
      end(mail)
      return
    }
    const opening = openingAt(campaign.window, zone, at)
    if (opening.opensAt > at) {
      this.#putToWindow(mail, spanOf(opening), at)
    } else if (this.#allowance.isCapped(mail.recipient, zone, at)) {
      hold(mail, at)
      const tomorrow = spanOf(nextDayOpening(campaign.window, zone, at))
      this.#put(mail, tomorrow, tomorrow.notBefore)
    } else {
      this.#allowance.use(campaign, mail.recipient, zone, at)
      countSent(mail, at)
      end(mail)
    }
  }

  #putToWindow(mail: Mail, opening: MailSpan, at: Instant): void {
    this.#put(mail, opening, Math.max(opening.notBefore, at))
    mail.waitsForWindow = opening.notBefore > at
  }

  /** Keeps its place in the line until the limit has room, or a scan finds that its opening has ended. */
  #putToRoom(mail: Mail, at: Instant): void {
    const { campaign, nextTick } = mail.book
    let tryAt = at
    do tryAt = nextRoomAt(campaign, tryAt)
    while (tryAt < Math.min(mail.notAfter, this.#untilAt) && this.#allowance.isLimited(campaign, tryAt))
    this.#put(mail, mail, tryAt < mail.notAfter ? tryAt : nextTick(mail.notAfter))
  }

  #put(mail: Mail, { notBefore, notAfter }: MailSpan, tryAt: Instant): void {
    mail.notBefore = notBefore
    mail.notAfter = notAfter
    mail.tryAt = tryAt
    mail.waitsForWindow = false
    this.#tries.put(tryAt, mail)
  }
}

/** A campaign, its mails that wait, by recipient, and its counts, by day. */
interface Book extends OutlookCampaign {
  readonly waiting: Map<number, Mail>
  readonly counts: Map<DayNumber, DayCount>
}

/** When a mail may go, `[notBefore, notAfter)`. */
type MailSpan = Pick<Arrival, 'notBefore' | 'notAfter'>

/** A mail that waits for its next try. */
interface Mail {
  readonly book: Book
  readonly recipient: number
  reminders: Arrival[]
  /** Of the most urgent one, as the ledger has it. */
  priority: number
  /** The last scan that put something in. */
  draftedAt: Instant
  notBefore: Instant
  notAfter: Instant
  tryAt: Instant
  waitsForWindow: boolean
  /** The campaign's day on which a limit kept it back last; null: none did. */
  heldOn: DayNumber | null
}

const never = Number.POSITIVE_INFINITY

function newMail(book: Book, arrival: Arrival): Mail {
  const { recipient, priority, notBefore, notAfter } = arrival
  const untried = { draftedAt: 0, tryAt: never, waitsForWindow: false, heldOn: null }
  return { book, recipient, reminders: [arrival], priority, notBefore, notAfter, ...untried }
}

function spanOf({ opensAt, closesAt }: Opening): MailSpan {
  return { notBefore: opensAt, notAfter: closesAt ?? never }
}

/** When a campaign that has reached a limit may have room: at the next full hour, or when its day begins. */
function nextRoomAt({ timeZone }: Campaign, at: Instant): Instant {
  return Math.min(nextLimitAt(at), timeOfDay(localDay(at, timeZone) + 1, 0, timeZone))
}

function end(mail: Mail): void {
  mail.tryAt = never
  mail.book.waiting.delete(mail.recipient)
}

/** As the ledger gives them out: most urgent first, then those that could go first. */
function inOrder(one: Mail, other: Mail): number {
  return one.priority - other.priority || one.notBefore - other.notBefore || one.recipient - other.recipient
}

/** True when an earlier scan has found that nothing in the mail was right any more, and dropped it. */
function isEmptied(mail: Mail, at: Instant): boolean {
  return mail.reminders.every((reminder) => isSwept(mail, reminder, at - 1))
}

/** True when a scan up to `at` has decided a reminder that ended. */
function isSwept({ book }: Mail, { endsAt }: Arrival, at: Instant): boolean {
  return endsAt <= at && book.nextTick(endsAt) <= at
}

function mostUrgentOf(reminders: readonly Arrival[]): Arrival | undefined {
  return reminders.reduce<Arrival | undefined>(
    (best, reminder) => (best === undefined || byUrgency(reminder, best) < 0 ? reminder : best),
    undefined,
  )
}

/** A mail that a limit keeps back counts as over on that day, until it is sent on the same day after all. */
function hold(mail: Mail, at: Instant): void {
  const day = dayIn(mail, at)
  if (mail.heldOn === day) return
  mail.heldOn = day
  count(mail, day, { sent: 0, over: 1 })
}

function countSent(mail: Mail, at: Instant): void {
  const day = dayIn(mail, at)
  count(mail, day, { sent: 1, over: mail.heldOn === day ? -1 : 0 })
}

function count({ book: { counts } }: Mail, day: DayNumber, more: DayCount): void {
  const { sent, over } = counts.get(day) ?? { sent: 0, over: 0 }
  counts.set(day, { sent: sent + more.sent, over: over + more.over })
}

function dayIn({ book: { campaign } }: Mail, at: Instant): DayNumber {
  return localDay(at, campaign.timeZone)
}
