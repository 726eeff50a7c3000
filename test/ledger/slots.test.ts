import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { probeEveryMs } from '#core/hold.ts'
import { reserveSlots } from '#ledger/slots.ts'

type Pacing = Parameters<typeof reserveSlots>[0]

const fresh: Pacing = {
  nextSlotAt: 0,
  resumeRamp: null,
  throttledRamp: null,
  hold: null,
  sesRatePerSecond: null,
  quotaMax24Hour: null,
  quotaUsed: null,
}
const startAt = Date.UTC(2026, 10, 23, 10)

/** A call of `reserve` by some process: how long after the last, how far the database's clock was set back meanwhile, how many slots. */
const calls = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0, max: 20_000 })),
    backMs: fc.oneof(
      { weight: 9, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 5000 }) },
    ),
    wanted: fc.integer({ min: 1, max: 200 }),
  }),
  { minLength: 1, maxLength: 120 },
)
const limits = fc.constantFrom(0.05, 0.2, 0.7, 1, 3.3, 10, 50, 200, 500, 1000)

describe('slots', () => {
  it('are never more than the limit and one in any second of real time, whoever asks and wherever the clock is set back to', () => {
    fc.assert(
      fc.property(limits, calls, (perSecond, asked) => {
        const taken = takenBy(perSecond, asked)
        expect(mostInOneSecond(taken)).toBeLessThanOrEqual(perSecond + 1)
      }),
      { numRuns: 500 },
    )
  })

  it.each([0.2, 1, 10, 50, 200, 500])(
    'come at 97 % of %d a second or more when several processes never stop asking',
    (perSecond) => {
      const asked = Array.from({ length: 2000 }, (_, n) => ({ afterMs: n % 3 === 0 ? 0 : 23, backMs: 0, wanted: 1000 }))
      const taken = takenBy(perSecond, asked)
      const seconds = ((taken.at(-1) ?? 0) - (taken[0] ?? 0)) / 1000
      expect((taken.length - 1) / seconds).toBeGreaterThanOrEqual(0.97 * perSecond)
      expect((taken.length - 1) / seconds).toBeLessThanOrEqual(perSecond)
    },
  )

  it('are there when the wait that was told is over, and not before', () => {
    fc.assert(
      fc.property(limits, fc.double({ min: 0, max: 30_000, noNaN: true }), (perSecond, aheadMs) => {
        const before = { ...fresh, nextSlotAt: startAt + aheadMs }
        const { reservation, pacing } = reserveSlots(before, 1, { perSecond, reserve: 0 }, startAt)
        if (reservation.kind !== 'wait' || reservation.waitMs === 30_000) return
        const answerIn = (ms: number) => reserveSlots(pacing, 1, { perSecond, reserve: 0 }, startAt + ms).reservation
        expect(answerIn(reservation.waitMs).kind).toBe('slots')
        expect(answerIn(reservation.waitMs - 1).kind).toBe('wait')
      }),
    )
  })

  it('do not come in a burst after a pause: unused time is not saved up', () => {
    const first = reserveSlots(fresh, 1, { perSecond: 10, reserve: 0 }, startAt)
    const { reservation } = reserveSlots(first.pacing, 1000, { perSecond: 10, reserve: 0 }, startAt + 60_000)
    expect(reservation).toMatchObject({ kind: 'slots', slots: [startAt + 60_000] })
  })

  it('follow a limit that was raised without waiting for the slow slot that is due', () => {
    const slow = reserveSlots(fresh, 1, { perSecond: 0.01, reserve: 0 }, startAt)
    const { reservation } = reserveSlots(slow.pacing, 1, { perSecond: 100, reserve: 0 }, startAt + 1000)
    expect(reservation.kind).toBe('wait')
    const raised = reserveSlots(slow.pacing, 1, { perSecond: 100, reserve: 0 }, startAt + 1000).pacing
    expect(reserveSlots(raised, 1, { perSecond: 100, reserve: 0 }, startAt + 1011).reservation.kind).toBe('slots')
  })

  it('are none at a limit of 0, and nobody asks in a hot loop', () => {
    const { reservation } = reserveSlots({ ...fresh, sesRatePerSecond: 0 }, 1, { perSecond: null, reserve: 0 }, startAt)
    expect(reservation).toEqual({ kind: 'wait', waitMs: 30_000 })
  })

  it('for a probe obey the pace and the quota as well', () => {
    const hold = { cause: 'outage' as const, since: startAt - probeEveryMs, nextProbeAt: startAt }
    const policy = { perSecond: 1, reserve: 0 }
    const later = reserveSlots({ ...fresh, hold, nextSlotAt: startAt + 700 }, 1, policy, startAt).reservation
    expect(later).toEqual({ kind: 'hold', cause: 'outage', waitMs: 601 })
    const used = reserveSlots({ ...fresh, hold, quotaMax24Hour: 10, quotaUsed: 10 }, 1, policy, startAt).reservation
    expect(used).toMatchObject({ kind: 'hold', cause: 'quota' })
  })

  it('for a probe come within 30 s also when the clock is set back', () => {
    const hold = { cause: 'paused' as const, since: startAt, nextProbeAt: startAt + probeEveryMs }
    const policy = { perSecond: 1, reserve: 0 }
    const back = reserveSlots({ ...fresh, hold }, 1, policy, startAt - 3_600_000)
    expect(back.reservation.kind).toBe('hold')
    const probe = reserveSlots(back.pacing, 1, policy, startAt - 3_600_000 + probeEveryMs)
    expect(probe.reservation.kind).toBe('slots')
  })
})

/** When the calls begin that these reservations allow, in real time. */
function takenBy(perSecond: number, asked: readonly { afterMs: number; backMs: number; wanted: number }[]): number[] {
  const taken: number[] = []
  let pacing = fresh
  let realAt = startAt
  let offsetMs = 0
  for (const { afterMs, backMs, wanted } of asked) {
    realAt += afterMs
    offsetMs -= backMs
    const step = reserveSlots(pacing, wanted, { perSecond, reserve: 0 }, realAt + offsetMs)
    pacing = step.pacing
    if (step.reservation.kind !== 'slots') continue
    for (const slot of step.reservation.slots) taken.push(slot - offsetMs)
  }
  return taken
}

function mostInOneSecond(taken: readonly number[]): number {
  const sorted = taken.toSorted((one, other) => one - other)
  let most = 0
  let first = 0
  for (const [index, at] of sorted.entries()) {
    while (at - (sorted[first] ?? at) >= 1000) first++
    most = Math.max(most, index - first + 1)
  }
  return most
}
