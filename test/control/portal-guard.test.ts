import { describe, expect, it } from 'vitest'
import { portalGuard } from '#control/portal-guard.ts'
import { silentLog } from '#observe/observe.ts'

/** A guard whose clock is set by hand; gives what it closed, and may fail to. */
function aGuard({ fails = false } = {}) {
  const closed: [scope: string, reason: string][] = []
  const state = { atMs: 1_000_000, fails }
  const gate = { scope: 'soft-pin', state: 'off', epoch: 1, reason: '', actor: 'forewarn', since: 0 } as const
  const gates = {
    close: async (scope: string, by: { reason: string }) => {
      if (state.fails) throw new Error('locked')
      closed.push([scope, by.reason])
      return { gate, changed: true, inFlight: [], auditHash: '' }
    },
  } as unknown as Parameters<typeof portalGuard>[0]['ledger']['gates']
  const clocks = { monotonicMs: () => state.atMs }
  return { closed, state, guard: portalGuard({ ledger: { gates }, clocks, log: silentLog }) }
}

describe('the guard against a portal that loses PINs', () => {
  it.each([
    ['49 of 49', 49, 49, 0],
    ['10 of 50, which is 20 %', 50, 10, 0],
    ['11 of 50', 50, 11, 1],
    ['200 of 1,000', 1_000, 200, 0],
    ['201 of 1,000', 1_000, 201, 1],
  ])('when %s are gone', async (_, read, gone, times) => {
    const { guard, closed } = aGuard()
    await guard.saw('soft-pin', { read, gone })
    expect(closed).toHaveLength(times)
  })

  it('adds up what one minute saw, campaign by campaign', async () => {
    const { guard, closed, state } = aGuard()
    for (let n = 0; n < 60; n++) {
      await guard.saw('soft-pin', { read: 1, gone: n < 48 ? 0 : 1 })
      await guard.saw('other', { read: 1, gone: 0 })
      state.atMs += 900
    }
    expect(closed).toEqual([])
    await guard.saw('soft-pin', { read: 1, gone: 1 })
    expect(closed).toEqual([['soft-pin', 'guard: 13 of 61 PINs that were read again within a minute were gone']])
  })

  it('forgets what is older than a minute', async () => {
    const { guard, closed, state } = aGuard()
    await guard.saw('soft-pin', { read: 49, gone: 49 })
    state.atMs += 60_000
    await guard.saw('soft-pin', { read: 49, gone: 49 })
    expect(closed).toEqual([])
    state.atMs += 59_000
    await guard.saw('soft-pin', { read: 1, gone: 0 })
    expect(closed).toHaveLength(1)
  })

  it('begins to count anew once it has closed the gate: whoever opens it has seen to it', async () => {
    const { guard, closed } = aGuard()
    await guard.saw('soft-pin', { read: 50, gone: 50 })
    await guard.saw('soft-pin', { read: 49, gone: 49 })
    expect(closed).toHaveLength(1)
  })

  it('tries again when the ledger could not be written', async () => {
    const { guard, closed, state } = aGuard({ fails: true })
    await guard.saw('soft-pin', { read: 50, gone: 50 })
    state.fails = false
    await guard.saw('soft-pin', { read: 1, gone: 0 })
    expect(closed).toEqual([['soft-pin', 'guard: 50 of 51 PINs that were read again within a minute were gone']])
  })
})
