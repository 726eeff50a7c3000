import { Temporal } from 'temporal-polyfill'
import type { Campaign, Stage } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import { type Pin, versionOf } from '#core/pin.ts'
import { recipientHash } from '#core/recipient-hash.ts'
import type { SkipReason } from '#core/reminder.ts'
import { beginOf, dateIn, type Hours, hoursFrom, hoursOn, sameTimeLater } from './wall-clock.ts'

/*
 * The rules of deciding a second time, written from their description and not from the code that they judge: slow, plain,
 * and in the order in which one would explain them. It shares with that code only what has a form and no rule: the
 * name of a version, and the hash that places people in a pilot and a spread.
 */

/** Who is behind an address: every PIN of theirs moves, waits and is silenced together. */
export interface Person {
  readonly key: string
  readonly suppressed: boolean
}

/** Where a stage stands: still to be sent, or why not. */
export type Standing = 'open' | SkipReason

// ---------------------------------------------------------------- when a stage comes due

/**
 * Stages count calendar days in the recipient's zone back from the expiry's local date. A stage is due at the start of
 * the window on its day (no window: when the day begins); where the window does not open that day, on the nearest
 * earlier one. With a spread, a person's warnings all lie some days earlier. `expired` is due from the expiry's
 * instant, when the window is or next comes open.
 */
export function comesDueAt(stage: Stage, pin: Pin, campaign: Campaign, person: Person | null): Instant {
  const zone = pin.timeZone ?? campaign.timeZone
  const { window } = campaign
  if (stage === 'expired') {
    return window === null ? pin.expiresAt : Math.max(pin.expiresAt, hoursFrom(pin.expiresAt, window, zone).opensAt)
  }
  const days = daysOf(stage) + daysEarlier(campaign, person)
  for (let date = dateIn(zone, pin.expiresAt).subtract({ days }); ; date = date.subtract({ days: 1 })) {
    const opensAt = window === null ? beginOf(date, zone) : hoursOn(date, window, zone)?.opensAt
    if (opensAt !== undefined) return opensAt
  }
}

/** A nearer stage has fewer days; `expired` has none. */
export function daysOf(stage: Stage): number {
  return stage === 'expired' ? 0 : Number(stage.slice(0, -1))
}

function daysEarlier(campaign: Campaign, person: Person | null): number {
  return person === null ? 0 : recipientHash('spread', campaign.key, person.key) % (campaign.spreadDays + 1)
}

// ---------------------------------------------------------------- where a stage stands

/** What a scan finds right for each stage that is due. Empty: the campaign is not about this PIN. */
export function standings(pin: Pin, campaign: Campaign, person: Person | null, at: Instant): Map<Stage, Standing> {
  if (!isAbout(campaign, pin) || !isInPilot(campaign, person)) return new Map()
  const due = campaign.stages.filter((stage) => comesDueAt(stage, pin, campaign, person) <= at)
  return standingsOf(due, pin, campaign, person, at)
}

function standingsOf(
  due: readonly Stage[],
  pin: Pin,
  campaign: Campaign,
  person: Person | null,
  at: Instant,
): Map<Stage, Standing> {
  const standing = new Map<Stage, Standing>()
  let undecided = [...due].sort((one, other) => daysOf(other) - daysOf(one))
  const decide = (reason: Standing, which: (stage: Stage) => boolean): void => {
    for (const stage of undecided.filter(which)) standing.set(stage, reason)
    undecided = undecided.filter((stage) => !which(stage))
  }

  // Nobody is warned at creation.
  const { setAt } = pin
  decide('not-applicable', (stage) => setAt !== null && comesDueAt(stage, pin, campaign, person) <= setAt)

  // From the expiry's instant no warning is current.
  const follows = campaign.stages.includes('expired')
  if (at >= pin.expiresAt) decide(follows ? 'superseded' : 'too-late', (stage) => stage !== 'expired')

  // The nearest one stands for all wider ones that were missed.
  const nearest = undecided.at(-1)
  decide('superseded', (stage) => stage !== nearest)

  // Of the nearest one it remains to be seen whether there is something to say, and to whom.
  const graceEndsAt = sameTimeLater(pin.expiresAt, campaign.graceDays, pin.timeZone ?? campaign.timeZone)
  if (at >= graceEndsAt) decide('too-late', (stage) => stage === 'expired')
  if (pin.status === 'none') decide('no-pin', any)
  if (pin.status === 'revoked') decide('revoked', any)
  if (person === null) decide('no-address', any)
  if (person?.suppressed) decide('suppressed', any)
  decide('open', any)
  return standing
}

/** Whether what was planned once is still right: the PIN is read again before its mail. What came due stays due. */
export function stillStands(
  planned: { readonly version: string; readonly stage: Stage },
  pin: Pin | undefined,
  campaign: Campaign,
  person: Person | null,
  at: Instant,
): Standing {
  if (pin === undefined) return 'gone'
  if (versionOf(pin) !== planned.version) return 'reset'
  if (!isAbout(campaign, pin) || !campaign.stages.includes(planned.stage)) return 'not-applicable'
  if (planned.stage === 'expired' && at < pin.expiresAt) return 'not-applicable'

  const due = campaign.stages.filter(
    (stage) => stage === planned.stage || comesDueAt(stage, pin, campaign, person) <= at,
  )
  const standing = standingsOf(due, pin, campaign, person, at).get(planned.stage) as Standing
  return standing === 'open' && !isInPilot(campaign, person) ? 'not-applicable' : standing
}

function any(): boolean {
  return true
}

function isAbout({ pins }: Campaign, pin: Pin): boolean {
  const named = pins.accounts === null || pins.accounts.some((account) => account === pin.accountId)
  return pins.kind === pin.kind && named
}

function isInPilot({ key, pins }: Campaign, person: Person | null): boolean {
  if (pins.percent >= 100) return true
  return person !== null && recipientHash('pilot', key, person.key) % 100 < pins.percent
}

// ---------------------------------------------------------------- who hears what, and when

/** All that happens to a campaign over some time. */
export interface Story {
  readonly campaign: Campaign
  /** The portal's PINs at an instant. */
  readonly portal: (at: Instant) => readonly Pin[]
  /** Who is behind an address at an instant. */
  readonly person: (address: string, at: Instant) => Person
  /** In order of time. A scan may be missing, and so may be the sending. */
  readonly ticks: readonly Tick[]
  readonly perAddressPerDay: number | null
}

export interface Tick {
  readonly scanAt: Instant | null
  readonly sendAt: Instant | null
}

export interface FiledMail {
  /** The recipient's key. */
  readonly to: string
  readonly stage: Stage
  /** `pin stage`, sorted */
  readonly holds: readonly string[]
  readonly at: Instant
}

export interface Outcome {
  readonly mails: readonly FiledMail[]
  /** `pin version stage` → how it ended, or `open` */
  readonly reminders: Readonly<Record<string, Standing | 'sent'>>
}

interface Planned {
  readonly pinId: string
  readonly version: string
  readonly stage: Stage
  standing: Standing | 'sent'
  /** Key of the person whose next mail holds it; null: none yet. */
  inMailTo: string | null
}

/** Tells a story to its end: which mails go out, and what becomes of every reminder. */
export function foretell(story: Story): Outcome {
  const { campaign } = story
  const book = new Map<string, Planned>()
  /** By recipient: the hours in which their next mail may go, and the end of a wait at the cap. */
  const hoursOf = new Map<string, Hours>()
  const waitsUntil = new Map<string, Instant>()
  const sentOn = new Map<string, number>()
  const mails: FiledMail[] = []

  for (const { scanAt, sendAt } of story.ticks) {
    if (scanAt !== null) scan(scanAt)
    if (sendAt !== null) send(sendAt)
  }
  const reminders = [...book].map(([name, { standing }]) => [name, standing] as const)
  return { mails, reminders: Object.fromEntries(reminders) }

  function scan(at: Instant): void {
    for (const pin of story.portal(at).filter((one) => isInReach(one, at))) {
      for (const [stage, standing] of standings(pin, campaign, personOf(pin, at), at)) write(pin, stage, standing)
    }
    const right = judged(open(), at)
    hoursOf.clear()
    for (const { planned, pin, person } of right) {
      planned.inMailTo = person.key
      // The first one is the most urgent: its zone is the mail's.
      if (!hoursOf.has(person.key)) hoursOf.set(person.key, hoursFor(pin, at))
    }
  }

  function hoursFor(pin: Pin, at: Instant): Hours {
    const always = { opensAt: at, closesAt: Number.POSITIVE_INFINITY }
    return campaign.window === null ? always : hoursFrom(at, campaign.window, pin.timeZone ?? campaign.timeZone)
  }

  /** What is decided stays decided, but the portal may have erred. There is no way back behind a stage that was told. */
  function write({ pinId, ...pin }: Pin, stage: Stage, standing: Standing): void {
    const version = versionOf(pin)
    const name = `${pinId} ${version} ${stage}`
    const known = book.get(name)
    const wasTold = [...book.values()].some(
      (other) =>
        other.pinId === pinId &&
        other.version === version &&
        daysOf(other.stage) < daysOf(stage) &&
        ['sent', 'open'].includes(other.standing),
    )
    if (known === undefined) book.set(name, { pinId, version, stage, standing, inMailTo: null })
    else if (standing === 'open' && portalMayHaveErred.includes(known.standing) && !wasTold) known.standing = 'open'
  }

  function send(at: Instant): void {
    const waiting = Map.groupBy(
      open().filter(({ inMailTo }) => inMailTo !== null),
      ({ inMailTo }) => inMailTo as string,
    )
    for (const [to, held] of waiting) {
      const { opensAt, closesAt } = hoursOf.get(to) as Hours
      if (at < opensAt || at >= closesAt || at < (waitsUntil.get(to) ?? at)) continue
      const right = judged(held, at)
      // Nothing goes to an old address.
      for (const { planned, person } of right) if (person.key !== to) planned.inMailTo = null
      const [first, ...others] = right.filter(({ person }) => person.key === to)
      if (first !== undefined) sendTo(to, [first, ...others], at)
    }
  }

  function sendTo(to: string, told: readonly [Right, ...Right[]], at: Instant): void {
    const [{ pin, planned }] = told
    const zone = pin.timeZone ?? campaign.timeZone
    const today = dateIn(zone, at)
    if (at < hoursFor(pin, at).opensAt) return

    const counter = `${to} ${today.toString()}`
    const sent = sentOn.get(counter) ?? 0
    if (story.perAddressPerDay !== null && sent >= story.perAddressPerDay) {
      waitsUntil.set(to, hoursFor(pin, beginOf(today.add({ days: 1 }), zone)).opensAt)
      return
    }
    sentOn.set(counter, sent + 1)
    for (const one of told) one.planned.standing = 'sent'
    const holds = told.map((one) => `${one.planned.pinId} ${one.planned.stage}`).sort()
    mails.push({ to, stage: planned.stage, holds, at })
  }

  /** Decides what is not right any more, and gives the rest with its PINs, most urgent first; each PIN once. */
  function judged(some: readonly Planned[], at: Instant): Right[] {
    const pins = new Map(story.portal(at).map((pin) => [pin.pinId, pin]))
    const right: Right[] = []
    for (const planned of some) {
      const pin = pins.get(planned.pinId)
      const person = pin === undefined ? null : personOf(pin, at)
      const standing = stillStands(planned, pin, campaign, person, at)
      if (standing !== 'open') planned.standing = standing
      else if (pin !== undefined && person !== null) right.push({ planned, pin, person })
    }
    right.sort(
      (one, other) =>
        daysOf(one.planned.stage) - daysOf(other.planned.stage) ||
        one.pin.expiresAt - other.pin.expiresAt ||
        (one.pin.pinId < other.pin.pinId ? -1 : 1),
    )
    return right.filter(({ planned, pin }, index) => {
      const isFirst = right.findIndex((other) => other.pin.pinId === pin.pinId) === index
      if (!isFirst) planned.standing = 'superseded'
      return isFirst
    })
  }

  function open(): Planned[] {
    return [...book.values()].filter(({ standing }) => standing === 'open')
  }

  function isInReach({ expiresAt }: Pin, at: Instant): boolean {
    const widest = Math.max(...campaign.stages.map(daysOf))
    const daysAway = (expiresAt - at) / dayMs
    return -campaign.graceDays - 7 <= daysAway && daysAway < widest + campaign.spreadDays + 9
  }

  function personOf({ email }: Pin, at: Instant): Person | null {
    return email === null ? null : story.person(email, at)
  }
}

interface Right {
  readonly planned: Planned
  readonly pin: Pin
  readonly person: Person
}

const dayMs = Temporal.Duration.from({ hours: 24 }).total('millisecond')
const portalMayHaveErred: readonly string[] = ['gone', 'revoked', 'no-address', 'not-applicable']
