import type { Campaign, Stage } from '#core/campaign.ts'
import { decide, inPilot } from '#core/decide.ts'
import { type NextTick, upcoming } from '#core/forecast.ts'
import type { Instant } from '#core/instant.ts'
import { type Pin, versionOf } from '#core/pin.ts'
import type { Recipient } from '#core/recipient.ts'
import type { KnownReminder, SkipReason } from '#core/reminder.ts'
import { graceEndsAt, stageDueAt } from '#core/stages.ts'

/** What a campaign is to do next about a PIN, as long as both stay as they are. */
export interface NextStage {
  readonly at: Instant
  readonly stage: Stage
  /** null: a mail goes out then; else why none does. */
  readonly against: SkipReason | 'pilot' | 'not-covered' | null
}

/** The next stage that somebody asking about a PIN waits for; null: none is to come. By the scan's own rules. */
export function nextStage(
  pin: Pin,
  campaign: Campaign,
  recipient: Recipient | null,
  known: readonly KnownReminder[],
  at: Instant,
  nextTick: NextTick,
): NextStage | null {
  const endAt = nextTick(graceEndsAt(pin, campaign))
  const [send] = upcoming(pin, campaign, recipient, known, at, endAt, nextTick)
  if (send !== undefined) return { at: send.sendAt, stage: send.stage, against: null }

  const key = recipient?.key ?? null
  const due = campaign.stages.map((stage) => ({ stage, dueAt: stageDueAt(stage, pin, campaign, key) }))
  const version = versionOf(pin)
  const isDecided = (stage: Stage) => known.some((one) => one.version === version && one.stage === stage)
  const ahead = due
    .filter(({ stage, dueAt }) => dueAt > at && !isDecided(stage))
    .sort((one, other) => one.dueAt - other.dueAt)
  const [next] = ahead
  if (next === undefined) return null
  const decided = decide(pin, campaign, recipient, next.dueAt).find(({ stage }) => stage === next.stage)
  const against = decided === undefined ? (inPilot(campaign, key) ? 'not-covered' : 'pilot') : decided.skip
  // Its mail would come too late to be right: a nearer stage is due by then.
  return { at: next.dueAt, stage: next.stage, against: against ?? 'superseded' }
}
