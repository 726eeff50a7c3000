import type { SkipCounts } from '#core/reminder.ts'
import type { Ledger } from '#ledger/ledger.ts'
import type { Metrics } from '#observe/metrics.ts'
import type { PinSource } from '#pins/pins.ts'

/** Counts what the jobs of the clock write. */
export function countedLedger(ledger: Ledger, metrics: Metrics): Ledger {
  const { plans, outbox, attempts } = ledger
  function countSkips(campaign: string, skipped: SkipCounts): void {
    for (const [reason, count] of Object.entries(skipped)) metrics.remindersSkipped.add({ campaign, reason }, count)
  }
  return {
    ...ledger,
    plans: {
      ...plans,
      async write(campaign, writes, at) {
        const written = await plans.write(campaign, writes, at)
        countSkips(campaign, written.skipped)
        return written
      },
      async assemble(campaign, page, at) {
        const assembled = await plans.assemble(campaign, page, at)
        countSkips(campaign, assembled.skipped)
        return assembled
      },
    },
    outbox: {
      ...outbox,
      async sendable(at, limit, among) {
        const ids = await outbox.sendable(at, limit, among)
        metrics.feeds.add({ batch: ids.length === limit && limit > onlyProbe ? 'full' : 'part' })
        return ids
      },
    },
    attempts: {
      ...attempts,
      async doubt(number, close, at) {
        const [before] = await attempts.byNumber([number])
        await attempts.doubt(number, close, at)
        if (before?.messageState !== 'sending') return
        const after = await ledger.reports.message(before.messageId)
        if (after?.state !== 'in_doubt') return
        metrics.messages.add({ campaign: after.campaign, stage: after.stage, outcome: after.state })
      },
    },
  }
}

/** Under a hold a feed takes up a single message, however many are due. */
const onlyProbe = 1

export function countedPins(pins: PinSource, metrics: Metrics): PinSource {
  return {
    async page(query, after, limit) {
      const page = await pins.page(query, after, limit)
      metrics.scanPages.add({ batch: page.length === limit ? 'full' : 'part' })
      return page
    },
    read: (pinIds) => pins.read(pinIds),
    refreshedAt: () => pins.refreshedAt(),
  }
}
