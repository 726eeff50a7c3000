import { assemble } from '#core/assembly.ts'
import type { Clocks } from '#core/clock.ts'
import type { Instant } from '#core/instant.ts'
import { type RatePolicy, rateLimit } from '#core/pace.ts'
import { addressesOf } from '#core/recipient.ts'
import type { SkipReason } from '#core/reminder.ts'
import { type By, everything, type Gate, type Ledger, type OpenCursor } from '#ledger/ledger.ts'
import type { PinSource } from '#pins/pins.ts'
import { heldMessages } from './stop.ts'

/** What opening the gate would set in motion. */
export interface ResumePlan {
  /** Pending messages. */
  readonly held: number
  /** Reminders that would not be sent any more, by reason. */
  readonly stale: Partial<Record<SkipReason, number>>
  /** Mails that could go out at once. */
  readonly burst: number
  /** When these would be out, with the ramp; null when there are none. */
  readonly finishAt: Instant | null
}

export interface ResumePorts {
  readonly ledger: Pick<Ledger, 'gates' | 'plans' | 'editions' | 'pace' | 'reports' | 'recipients'>
  readonly pins: Pick<PinSource, 'read'>
  readonly clocks: Clocks
  readonly rate: RatePolicy
  readonly ramp: { readonly factor: number; readonly minutes: number }
}

const pageRows = 500
const minuteMs = 60_000

/** Says what opening the gate would do, by the scan's own rules, and changes nothing. */
export async function planResume(ports: ResumePorts): Promise<ResumePlan> {
  const { ledger, clocks } = ports
  const at = clocks.business()
  const stale: Partial<Record<SkipReason, number>> = {}
  let burst = 0
  const open = new Set((await ledger.gates.list()).filter(({ state }) => state === 'on').map(({ scope }) => scope))
  for (const { campaign } of (await ledger.editions.all()).filter(({ campaign: { key } }) => open.has(key))) {
    let after: OpenCursor | null = null
    do {
      const reminders = await ledger.plans.open(campaign.key, after, pageRows)
      const pins = await ports.pins.read(reminders.map((reminder) => reminder.pinId))
      const recipients = await ledger.recipients(addressesOf(pins.values()))
      const { skips, drafts } = assemble(reminders, pins, campaign, recipients, at)
      for (const { reason } of skips) stale[reason] = (stale[reason] ?? 0) + 1
      burst += drafts.filter((draft) => draft.notBefore <= at).length
      const last = reminders.at(-1)
      after =
        reminders.length < pageRows || last === undefined ? null : { recipientKey: last.recipientKey, id: last.id }
    } while (after !== null)
  }
  const held = Object.values(await heldMessages(ledger)).reduce((sum, messages) => sum + messages, 0)
  return { held, stale, burst, finishAt: burst === 0 ? null : at + (await rampedMs(ports, burst)) }
}

/** Opens the gate of everything, on a ramp. */
export async function resume({ ledger, ramp }: ResumePorts, by: By): Promise<Gate> {
  return ledger.gates.open(everything, by, { factor: ramp.factor, forMs: ramp.minutes * minuteMs })
}

/** How long so many mails take, when the rate grows evenly from a share of the limit to the whole of it. */
async function rampedMs({ ledger, rate, ramp }: ResumePorts, mails: number): Promise<number> {
  const perMs = rateLimit(rate, (await ledger.pace.read()).sesRatePerSecond) / 1_000
  const rampMs = ramp.minutes * minuteMs
  const duringRamp = perMs * rampMs * ((1 + ramp.factor) / 2)
  if (mails >= duringRamp) return Math.ceil(rampMs + (mails - duringRamp) / perMs)
  // Solves mails = perMs × (factor × t + (1 − factor) × t² ÷ (2 × rampMs)) for t.
  const growth = (1 - ramp.factor) / (2 * rampMs)
  if (growth === 0) return Math.ceil(mails / (perMs * ramp.factor))
  const root = Math.sqrt(ramp.factor ** 2 + (4 * growth * mails) / perMs)
  return Math.ceil((root - ramp.factor) / (2 * growth))
}
