import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openingAt } from '#core/calendar.ts'
import { versionOf } from '#core/pin.ts'
import { reopenable, type SkipReason } from '#core/reminder.ts'
import { graceEndsAt } from '#core/stages.ts'
import { anyStory, storyOf, type Told } from './any-story.ts'
import { comesDueAt, daysOf, foretell, type Outcome, standings } from './oracle.ts'
import { runs } from './runs.ts'
import { type WalkedMail, walk } from './walk.ts'
import { dateIn, daysFrom } from './wall-clock.ts'

/*
 * Stories of some people's PINs over some weeks, with outages, resets, moved expiries, withdrawn and lost PINs, changed
 * addresses and zones, and people who are silenced: what the service's rules make of them.
 */

const eventful = anyStory({ eventful: true })

describe('a story', () => {
  it('ends as the oracle foretells: the same mails, and every reminder with the same end', () => {
    fc.assert(
      fc.property(eventful, (story) => {
        expect(facts(walk(story))).toEqual(facts(foretell(story)))
      }),
      runs(200),
    )
  })

  it('ends the same in whatever order scans meet the PINs', () => {
    fc.assert(
      fc.property(eventful, (story) => {
        expect(facts(walk(story, (pins) => pins.toReversed()))).toEqual(facts(walk(story)))
      }),
      runs(200),
    )
  })
})

describe('what is decided', () => {
  it('is decided once: only what the portal may have erred about is ever opened again', () => {
    fc.assert(
      fc.property(eventful, (story) => {
        const standing = new Map<string, string | null>()
        for (const { name, from, to } of walk(story).changes) {
          expect(from).toBe(standing.get(name) ?? null)
          if (from === null || from === 'open') expect(to).not.toBe(from)
          else expect([reopenable.has(from as SkipReason), to]).toEqual([true, 'open'])
          standing.set(name, to)
        }
      }),
      runs(500),
    )
  })

  it('leaves nothing out: after a scan, every stage that is due has a decision or waits in a mail', () => {
    fc.assert(
      fc.property(eventful, (story) => {
        const last = story.ticks.findLastIndex(({ scanAt }) => scanAt !== null)
        const at = story.ticks[last]?.scanAt ?? null
        if (at === null) return
        const ticks = [...story.ticks.slice(0, last), { scanAt: at, sendAt: null }]
        const { reminders, waiting } = walk({ ...story, ticks })
        for (const pin of story.portal(at).filter(({ expiresAt }) => isNear(expiresAt, story, at))) {
          const person = pin.email === null ? null : story.person(pin.email, at)
          for (const stage of standings(pin, story.campaign, person, at).keys()) {
            expect(Object.keys(reminders)).toContain(`${pin.pinId} ${versionOf(pin)} ${stage}`)
          }
        }
        const open = Object.keys(reminders).filter((name) => reminders[name] === 'open')
        expect(open.sort()).toEqual(waiting.toSorted())
      }),
      runs(200),
    )
  })

  it('never goes back: once a stage was sent, no wider one of the same version is', () => {
    fc.assert(
      fc.property(eventful, (story) => {
        const told = walk(story).mails.flatMap((mail) => mail.told)
        for (const heard of Map.groupBy(told, ({ pin, version }) => `${pin.pinId} ${version}`).values()) {
          const days = heard.map(({ stage }) => daysOf(stage))
          expect(days).toEqual([...new Set(days)].sort((one, other) => other - one))
        }
      }),
      runs(500),
    )
  })

  /*
   * Scans of one day at any times, overlapping, one behind the other by its clock: after one more in the evening, the same
   * is open and the same is decided as if that had been the only one. A reason was true when it was found, and stays; a
   * mail that goes between two scans was right, and stays told: hence there are none here. A PIN that has left the reach by
   * the evening is known to the earlier scans only.
   */
  it('is the same at the end of a day, whenever and in whatever order that day was scanned', () => {
    const anyTimes = fc.array(fc.integer({ min: 0, max: 86_400_000 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(anyStory({ eventful: false }), anyTimes, (story, times) => {
        const begin = story.ticks[0]?.scanAt ?? story.ticks[0]?.sendAt ?? 0
        const pins = story.pins.filter(({ expiresAt }) => isNear(expiresAt, story, begin + 86_400_000))
        const standingAfter = (...scans: number[]) => {
          const ticks = scans.map((scanAt) => ({ scanAt, sendAt: null }))
          const { reminders } = walk(storyOf({ ...story, pins, ticks }))
          return Object.fromEntries(Object.entries(reminders).map(([name, standing]) => [name, standing === 'open']))
        }
        const evening = begin + 86_400_000
        expect(standingAfter(...times.map((time) => begin + time), evening)).toEqual(standingAfter(evening))
      }),
      runs(300),
    )
  })
})

describe('a mail', () => {
  it('tells nobody but their holder, of PINs as they are: in use, of this version, at this stage, not silenced', () => {
    fc.assert(
      fc.property(eventful, (story) => {
        for (const mail of walk(story).mails) {
          for (const { pin, version, stage } of mail.told) {
            const now = story.portal(mail.at).find(({ pinId }) => pinId === pin.pinId)
            if (now?.email == null) throw new Error('told of a PIN that is gone or nobody’s')
            const person = story.person(now.email, mail.at)
            expect(person).toEqual({ key: mail.to, suppressed: false })
            expect([now.status, versionOf(now)]).toEqual(['active', version])
            expect(stage === 'expired').toBe(mail.at >= now.expiresAt)
            if (stage === 'expired') expect(mail.at).toBeLessThan(graceEndsAt(now, story.campaign))
            const nearer = story.campaign.stages.filter((other) => daysOf(other) < daysOf(stage))
            for (const other of nearer) {
              expect(comesDueAt(other, now, story.campaign, person)).toBeGreaterThan(mail.at)
            }
          }
        }
      }),
      runs(200),
    )
  })

  it('goes inside the window of its recipient', () => {
    fc.assert(
      fc.property(eventful, (story) => {
        for (const { at, zone } of walk(story).mails) {
          expect(openingAt(story.campaign.window, zone, at).opensAt).toBeLessThanOrEqual(at)
        }
      }),
      runs(200),
    )
  })

  it('says as many days as the calendar has between, never fewer than none', () => {
    fc.assert(
      fc.property(eventful, (story) => {
        for (const { at, zone, told } of walk(story).mails) {
          for (const { pin, days } of told) expect(days).toBe(Math.max(0, daysFrom(at, pin.expiresAt, zone)))
        }
      }),
      runs(200),
    )
  })

  it('is one of so many a day as the cap allows', () => {
    fc.assert(
      fc.property(eventful, (story) => {
        const perDay = Map.groupBy(walk(story).mails, ({ to, day }) => `${to} ${day}`)
        for (const mails of perDay.values()) {
          expect(mails.length).toBeLessThanOrEqual(story.perAddressPerDay ?? Number.POSITIVE_INFINITY)
        }
      }),
      runs(200),
    )
  })
})

/*
 * How often does one person hear of one campaign? What holds is this: all that can be told when a mail is made is in that
 * mail. Another one follows only for what came due later, or for what happened later in the portal: a PIN that was
 * handed over, given back, moved, or a person who is not silenced any more.
 *
 * For a person in one zone, and a portal in which nothing happens, that means: warnings come due when the window opens (or at
 * midnight), all of a day's at once. So of two mails of one business day, the later one tells only of PINs that
 * have expired since the earlier one was made. (A mail that was made before the window opened knows nothing yet of that
 * day's warnings: they may follow on the same day.)
 */
describe('a second mail to the same person', () => {
  it('tells only of what came due, or what happened to the PIN or the person, since the first was made', () => {
    fc.assert(
      fc.property(eventful, (story) => {
        for (const [first, second] of pairs(walk(story).mails)) {
          for (const { pin, dueAt } of second.told) {
            const happened = story.events.some(
              (event) =>
                event.at > first.scanAt &&
                event.at <= second.at &&
                ('pinId' in event ? event.pinId === pin.pinId : event.address === second.to),
            )
            expect(happened || dueAt > first.scanAt).toBe(true)
          }
        }
      }),
      runs(500),
    )
  })

  it('on one business day tells only of what has expired since', () => {
    fc.assert(
      fc.property(anyStory({ eventful: false }), (any) => {
        const story = storyOf({ ...any, pins: any.pins.map((pin) => ({ ...pin, timeZone: null })) })
        for (const [first, second] of pairs(walk(story).mails)) {
          const opensAt = openingAt(story.campaign.window, first.zone, first.at).opensAt
          const begun = first.scanAt >= opensAt || story.campaign.window === null
          const oneDay = dateIn(first.zone, first.scanAt).equals(dateIn(first.zone, second.at))
          if (!begun || !oneDay) continue
          for (const { stage, dueAt } of second.told) {
            expect([stage, dueAt > first.scanAt]).toEqual(['expired', true])
          }
        }
      }),
      runs(500),
    )
  })
})

function facts({ mails, reminders }: Outcome): Outcome {
  const told = mails.map(({ to, stage, holds, at }) => ({ to, stage, holds, at }))
  return { mails: told.sort((one, other) => one.at - other.at || (one.to < other.to ? -1 : 1)), reminders }
}

/** Every mail with every later one to the same person. */
function pairs(mails: readonly WalkedMail[]): [WalkedMail, WalkedMail][] {
  return mails.flatMap((first, index) =>
    mails
      .slice(index + 1)
      .filter(({ to }) => to === first.to)
      .map((second): [WalkedMail, WalkedMail] => [first, second]),
  )
}

/** Well inside the reach of a scan. */
function isNear(expiresAt: number, { campaign }: Told, at: number): boolean {
  const days = (expiresAt - at) / 86_400_000
  return days > -campaign.graceDays - 7 && days < Math.max(...campaign.stages.map(daysOf)) + campaign.spreadDays + 9
}
