import { describe, expect, it } from 'vitest'
import { Tally } from '#app/tally.ts'
import type { SendResult } from '#jobs/send.ts'

const nothing = { sent: 0, failed: 0, skipped: 0, inDoubt: 0 }

describe('a tally', () => {
  it.each<[SendResult, Partial<typeof nothing>, boolean]>([
    ['sent', { sent: 1 }, true],
    ['failed', { failed: 1 }, true],
    ['in_doubt', { inDoubt: 1 }, true],
    ['nothing-left', { skipped: 1 }, true],
    // These wait: they are counted when the run ends, as they are then.
    ['pending', {}, true],
    ['deferred', {}, true],
    // With these, nothing has moved: a run that sees nothing else must end.
    ['refused', {}, false],
    ['no-slot', {}, false],
    ['not-pending', {}, false],
  ])('counts a try that ended as %s', (result, messages, moved) => {
    const tally = new Tally()
    tally.sent({ result, reminders: 2, skipped: [] })
    expect(tally.messages).toEqual({ ...nothing, ...messages })
    expect(tally.moved).toBe(moved ? 1 : 0)
  })

  it('counts every reminder of a mail, and those that were decided on its way by their reason', () => {
    const tally = new Tally()
    tally.sent({ result: 'sent', reminders: 3, skipped: ['reset', 'revoked'] })
    tally.sent({ result: 'in_doubt', reminders: 2, skipped: [] })
    tally.sent({ result: 'deferred', reminders: 4, skipped: ['reset'] })
    expect(tally.reminders).toEqual({ sent: 3, failed: 0, inDoubt: 2, skipped: { reset: 2, revoked: 1 } })
  })

  it('adds what scans decided, and the messages that they emptied', () => {
    const tally = new Tally()
    tally.scanned({ examined: 9, planned: 4, skipped: { gone: 2, reset: 1 }, emptied: 2 })
    tally.scanned({ examined: 1, planned: 0, skipped: { gone: 1 }, emptied: 0 })
    expect(tally.reminders.skipped).toEqual({ gone: 3, reset: 1 })
    expect(tally.messages.skipped).toBe(2)
    expect(tally.moved).toBe(0)
  })
})
