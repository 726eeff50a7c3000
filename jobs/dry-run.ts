import { assemble } from '#core/assembly.ts'
import type { Campaign } from '#core/campaign.ts'
import { decide, planWrites, reach } from '#core/decide.ts'
import { openedBy } from '#core/forecast.ts'
import type { Instant } from '#core/instant.ts'
import type { Pin } from '#core/pin.ts'
import type { Recipient, Recipients } from '#core/recipient.ts'
import { addSkips, countSkips, type OpenReminder, type ReminderKey, type SkipCounts } from '#core/reminder.ts'
import { type OpenRemindersPorts, openReminders } from './open-reminders.ts'
import { pinsInReach, type ReachPorts } from './reach.ts'

export interface DryRunPorts {
  readonly ledger: ReachPorts['ledger'] & OpenRemindersPorts['ledger']
  readonly pins: ReachPorts['pins'] & OpenRemindersPorts['pins']
}

/** A reminder that would be in a mail after a scan. */
export interface DryReminder extends ReminderKey {
  readonly dueAt: Instant
  readonly address: string
  readonly recipientKey: string
}

export interface DryRunResult {
  /** PINs within the campaign's reach. */
  readonly examined: number
  /** Reminders that would be decided without a mail, by reason. */
  readonly skipped: SkipCounts
}

/**
 * Does what a scan does, and writes nothing: `onReminder` gets every reminder that would then wait to be sent, new or open
 * already. Throws when the PINs or the ledger cannot be read, or the signal aborts.
 */
export async function dryRun(
  ports: DryRunPorts,
  { campaign, at }: { campaign: Campaign; at: Instant },
  onReminder: (reminder: DryReminder) => void,
  signal: AbortSignal,
): Promise<DryRunResult> {
  let examined = 0
  let skipped: SkipCounts = {}
  /** New ones beside open ones of the same PIN, by PIN: of these, assembly keeps one. */
  const beside = new Map<string, Planned>()

  const assembleDry = (open: readonly OpenReminder[], pins: ReadonlyMap<string, Pin>, recipients: Recipients): void => {
    const { drafts, skips } = assemble(open, pins, campaign, recipients, at)
    skipped = addSkips(skipped, countSkips(skips.map(({ reason }) => reason)))
    const byId = new Map(open.map((reminder) => [reminder.id, reminder]))
    for (const { address, recipientKey, reminders } of drafts) {
      for (const { id } of reminders) {
        const reminder = byId.get(id)
        if (reminder === undefined) continue
        const { pinId, version, stage, dueAt } = reminder
        onReminder({ pinId, version, stage, dueAt, address, recipientKey })
      }
    }
  }

  for await (const page of pinsInReach(ports, campaign, reach(campaign, at), signal)) {
    for (const { pin, recipient, known } of page) {
      const decisions = decide(pin, campaign, recipient, at)
      const writes = planWrites(decisions, known, recipient)
      skipped = addSkips(skipped, countSkips(writes.inserts.map(({ skip }) => skip).filter((skip) => skip !== null)))
      const reminder = openedBy(decisions, writes)
      if (reminder === null) continue
      const planned = { reminder, pin, recipient }
      if (known.some(({ outcome }) => outcome === null)) beside.set(pin.pinId, planned)
      else assembleDry([reminder], new Map([[pin.pinId, pin]]), recipientsOf(planned))
    }
    examined += page.length
  }

  for await (const { open, pins, recipients } of openReminders(ports, campaign, signal)) {
    const joining = open.flatMap(({ pinId }) => {
      const planned = beside.get(pinId)
      beside.delete(pinId)
      return planned === undefined ? [] : [planned.reminder]
    })
    assembleDry([...open, ...joining], pins, recipients)
  }
  // The open one beside these is in a mail that is being sent, or in doubt.
  for (const planned of beside.values()) {
    assembleDry([planned.reminder], new Map([[planned.pin.pinId, planned.pin]]), recipientsOf(planned))
  }
  return { examined, skipped }
}

interface Planned {
  readonly reminder: OpenReminder
  readonly pin: Pin
  readonly recipient: Recipient | null
}

function recipientsOf({ pin, recipient }: Planned): Recipients {
  return new Map(pin.email === null || recipient === null ? [] : [[pin.email, recipient]])
}
