import type { SkipReason } from '#core/reminder.ts'
import type { ScanResult } from '#jobs/scan.ts'
import type { SendReport } from '#jobs/send.ts'

/** Counts what the jobs of one process did. */
export class Tally {
  readonly messages = { sent: 0, failed: 0, skipped: 0, inDoubt: 0 }
  readonly reminders = { sent: 0, failed: 0, inDoubt: 0, skipped: {} as Partial<Record<SkipReason, number>> }
  /** Messages that moved: were decided, put off, or put in doubt. Refusals and missing slots are no move. */
  moved = 0

  scanned({ skipped, emptied }: ScanResult): void {
    this.messages.skipped += emptied
    for (const [reason, reminders] of Object.entries(skipped)) this.#skip(reason as SkipReason, reminders)
  }

  sent({ result, reminders, skipped }: SendReport): void {
    for (const reason of skipped) this.#skip(reason, 1)
    if (result !== 'no-slot' && result !== 'refused' && result !== 'not-pending') this.moved += 1
    if (result === 'nothing-left') this.messages.skipped += 1
    const count = result === 'in_doubt' ? 'inDoubt' : result
    if (count === 'sent' || count === 'failed' || count === 'inDoubt') {
      this.messages[count] += 1
      this.reminders[count] += reminders
    }
  }

  #skip(reason: SkipReason, reminders: number): void {
    this.reminders.skipped[reason] = (this.reminders.skipped[reason] ?? 0) + reminders
  }
}
