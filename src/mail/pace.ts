import { setTimeout as sleep } from 'node:timers/promises'
import type { Clocks } from '#core/clock.ts'
import type { RatePolicy } from '#core/pace.ts'
import type { PaceBook, Reservation } from '#ledger/ledger.ts'
import type { Log } from '#observe/observe.ts'
import type { Pace, Slot } from './mail.ts'

/** A slot that was not used within this time is given up: calls that bunch would be faster than told. */
const slotLifeMs = 250

/** The next slots are asked for this long before the last ones are given out, so that the ledger's answer costs no time. */
const aheadMs = 50

/** After the ledger could not be asked. */
const retryMs = 1_000

/** Waits for a time, or until the signal aborts; never rejects. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>

/** Gives a waiting caller its slot, or none. */
type Waiter = (slot: Slot | null) => void

/**
 * Hands out this process's share of the ledger's slots, in the order in which they were asked for. Slots are reserved
 * only for callers that wait, and never ahead of need: a process that dies takes none with it.
 */
export function ledgerPace(
  book: Pick<PaceBook, 'reserve'>,
  policy: RatePolicy,
  clocks: Pick<Clocks, 'monotonicMs'>,
  log: Log,
  wait: Wait = untilTimer,
): Pace {
  /** In order of coming. */
  const waiting = new Set<Waiter>()
  /** Slots for them that are yet to come, by the monotonic clock. */
  let reserved: number[] = []
  /** The ledger is not asked again before. */
  let askAtMs = Number.NEGATIVE_INFINITY
  let asking = false
  let serving = false
  /** Ends the present wait, when something has changed. */
  let alarm = new AbortController()

  async function slot(signal: AbortSignal): Promise<Slot | null> {
    if (signal.aborted) return null
    const { promise, resolve } = Promise.withResolvers<Slot | null>()
    const give: Waiter = (slot) => {
      signal.removeEventListener('abort', leave)
      waiting.delete(give)
      resolve(slot)
    }
    const leave = (): void => {
      give(null)
      alarm.abort()
    }
    signal.addEventListener('abort', leave)
    waiting.add(give)
    alarm.abort()
    if (!serving) void serve()
    return promise
  }

  async function serve(): Promise<void> {
    serving = true
    // Those who come in the same moment share one question.
    await Promise.resolve()
    while (waiting.size > 0) {
      alarm = new AbortController()
      giveDue()
      if (mayAsk() && clocks.monotonicMs() >= askAtMs) void ask()
      const nextMs = Math.min(reserved[0] ?? Number.POSITIVE_INFINITY, mayAsk() ? askAtMs : Number.POSITIVE_INFINITY)
      if (waiting.size > 0) await wait(nextMs - clocks.monotonicMs(), alarm.signal)
    }
    // What was reserved for those who left would come in a burst to those who come later.
    reserved = []
    serving = false
  }

  function giveDue(): void {
    const nowMs = clocks.monotonicMs()
    for (let atMs = reserved[0]; atMs !== undefined && atMs <= nowMs; atMs = reserved[0]) {
      reserved.shift()
      const lastMs = atMs + slotLifeMs
      const [first] = waiting
      if (nowMs <= lastMs) first?.({ expired: () => clocks.monotonicMs() > lastMs })
    }
  }

  /** Someone waits who has no slot to come. */
  function mayAsk(): boolean {
    return !asking && waiting.size > reserved.length
  }

  async function ask(): Promise<void> {
    asking = true
    try {
      take(await book.reserve(waiting.size - reserved.length, policy))
    } catch (error) {
      log.error('pace.unreadable', { error: error instanceof Error ? error.name : 'unknown' })
      askAtMs = clocks.monotonicMs() + retryMs
    }
    asking = false
    alarm.abort()
  }

  function take(reservation: Reservation): void {
    const receivedMs = clocks.monotonicMs()
    switch (reservation.kind) {
      case 'hold':
        for (const give of waiting) give(null)
        return
      case 'wait':
        askAtMs = receivedMs + reservation.waitMs
        return
      case 'slots': {
        // The ledger's clock was read before its answer came, so that none of these is too early.
        const slots = reservation.slots.map((slotAt) => receivedMs + slotAt - reservation.databaseAt)
        if (waiting.size > 0) reserved.push(...slots)
        askAtMs = (slots.at(-1) ?? receivedMs) - aheadMs
      }
    }
  }

  return { slot }
}

/** By a timer, which may come a little early; for a time without end, by the signal. */
async function untilTimer(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.min(Math.max(ms, 0), longestTimerMs), undefined, { signal }).catch(() => undefined)
}

const longestTimerMs = 60_000
