import events from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { RatePolicy } from '#core/pace.ts'
import type { PaceBook, Reservation } from '#ledger/ledger.ts'
import type { Pace, Slot } from '#mail/mail.ts'
import { ledgerPace, type Wait } from '#mail/pace.ts'
import { type Log, silentLog } from '#observe/observe.ts'

/** Time that passes only when it is told to; who waits for it is woken in order. */
class ManualTime {
  nowMs = 5_000
  readonly waits = new Set<{ readonly untilMs: number; readonly end: () => void }>()

  readonly monotonicMs = (): number => this.nowMs

  readonly wait: Wait = (ms, signal) =>
    new Promise((resolve) => {
      const end = (): void => {
        this.waits.delete(wait)
        resolve()
      }
      const wait = { untilMs: this.nowMs + ms, end }
      this.waits.add(wait)
      if (signal.aborted) end()
      else signal.addEventListener('abort', end)
    })

  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms
    await setImmediate()
    for (;;) {
      const [next] = [...this.waits].sort((one, other) => one.untilMs - other.untilMs)
      if (next === undefined || next.untilMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, next.untilMs)
      next.end()
      await setImmediate()
    }
    this.nowMs = untilMs
  }
}

/** Reserves evenly spaced slots of the next 100 ms, on a clock of its own; or says what it is told to. */
class FakeBook implements Pick<PaceBook, 'reserve'> {
  readonly asked: { readonly atMs: number; readonly wanted: number }[] = []
  /** What it says instead, first come first. */
  readonly instead: (Reservation | Error)[] = []
  /** How long an answer takes. */
  answerMs = 0
  reservedSlots = 0
  readonly #time: ManualTime
  readonly #spacingMs: number
  #nextSlotAt = 0

  constructor(time: ManualTime, perSecond: number) {
    this.#time = time
    this.#spacingMs = 1_000 / perSecond
  }

  async reserve(wanted: number): Promise<Reservation> {
    this.asked.push({ atMs: this.#time.nowMs, wanted })
    const reservation = this.instead.shift() ?? this.#evenly(wanted)
    if (this.answerMs > 0) await this.#time.wait(this.answerMs, new AbortController().signal)
    if (reservation instanceof Error) throw reservation
    return reservation
  }

  #evenly(wanted: number): Reservation {
    const databaseAt = 1_700_000_000_000 + this.#time.nowMs
    const slots: number[] = []
    this.#nextSlotAt = Math.max(this.#nextSlotAt, databaseAt)
    while (slots.length < wanted && this.#nextSlotAt < databaseAt + 100) {
      slots.push(this.#nextSlotAt)
      this.#nextSlotAt += this.#spacingMs
    }
    this.reservedSlots += slots.length
    if (slots.length > 0) return { kind: 'slots', databaseAt, slots }
    return { kind: 'wait', waitMs: Math.floor(this.#nextSlotAt - databaseAt - 100) + 1 }
  }
}

const policy: RatePolicy = { perSecond: null, reserve: 0 }
const never = new AbortController().signal

function given({ perSecond = 10, log = silentLog }: { perSecond?: number; log?: Log } = {}) {
  const time = new ManualTime()
  const book = new FakeBook(time, perSecond)
  return { time, book, pace: ledgerPace(book, policy, time, log, time.wait) }
}

/** Asks for slots, and notes who got one and when. */
function asking(pace: Pace, time: ManualTime) {
  const got: { readonly name: string; readonly atMs: number; readonly slot: Slot | null }[] = []
  const start = time.nowMs
  return {
    got,
    ask: async (name: string, signal: AbortSignal = never) => {
      const slot = await pace.slot(signal)
      got.push({ name, atMs: time.nowMs - start, slot })
    },
    names: () => got.map(({ name, slot }) => (slot === null ? `${name}: none` : name)),
    times: () => got.map(({ atMs }) => Math.round(atMs)),
  }
}

describe('slots', () => {
  it('come in the order in which they were asked for, each at its time', async () => {
    const { time, pace } = given()
    const { ask, names, times } = asking(pace, time)
    for (const name of ['a', 'b', 'c']) void ask(name)
    await time.pass(150)
    void ask('d')
    await time.pass(1_000)
    expect(names()).toEqual(['a', 'b', 'c', 'd'])
    expect(times()).toEqual([0, 100, 200, 300])
  })

  it('are not early when the ledger is slow to answer', async () => {
    const { time, book, pace } = given({ perSecond: 50 })
    const { ask, times } = asking(pace, time)
    book.answerMs = 30
    void ask('a')
    void ask('b')
    await time.pass(29)
    expect(times()).toEqual([])
    await time.pass(100)
    expect(times()).toEqual([30, 50])
  })

  it('are not given out before their time when a timer comes early', async () => {
    const { time, book } = given()
    const early: Wait = (ms, signal) => time.wait(ms > 2 ? ms - 1.5 : ms, signal)
    const { ask, times } = asking(ledgerPace(book, policy, time, silentLog, early), time)
    void ask('a')
    void ask('b')
    await time.pass(99)
    expect(times()).toEqual([0])
    await time.pass(1)
    expect(times()).toEqual([0, 100])
  })

  it('are never reserved for more than those who wait', async () => {
    const { time, book, pace } = given({ perSecond: 100 })
    const { ask, got } = asking(pace, time)
    for (const name of ['a', 'b', 'c']) void ask(name)
    await time.pass(5)
    void ask('d')
    await time.pass(1_000)
    expect(got).toHaveLength(4)
    expect(book.reservedSlots).toBe(4)
    expect(book.asked.map(({ wanted }) => wanted)).toEqual([3, 1])
  })

  it('are used up within 250 ms', async () => {
    const { time, pace } = given()
    const [slot] = await Promise.all([pace.slot(never), time.pass(0)])
    await time.pass(250)
    expect(slot?.expired()).toBe(false)
    await time.pass(1)
    expect(slot?.expired()).toBe(true)
  })

  it('that passed while the process stood still are not given out', async () => {
    const { time, pace } = given({ perSecond: 20 })
    const { ask, got, times } = asking(pace, time)
    void ask('a')
    void ask('b')
    await time.pass(10)
    time.nowMs += 10_000
    await time.pass(200)
    expect(times()).toEqual([0, 10_010])
    expect(got[1]?.slot?.expired()).toBe(false)
  })

  it.each([
    ['have been', 0],
    ['are being', 40],
  ])('that %s reserved for those who left are not given out in a burst', async (_, answerMs) => {
    const { time, book, pace } = given({ perSecond: 100 })
    book.answerMs = answerMs
    const leaving = new AbortController()
    const first = asking(pace, time)
    for (let n = 0; n < 10; n++) void first.ask('early', leaving.signal)
    await time.pass(5)
    leaving.abort()
    await time.pass(80)

    book.answerMs = 0
    const { ask, times } = asking(pace, time)
    for (let n = 0; n < 4; n++) void ask('late')
    await time.pass(200)
    const [from = 0, ...others] = times()
    expect(others).toEqual([from + 10, from + 20, from + 30])
  })

  it.each([50, 200, 500])(
    'keep to a rate of %i/s closely, though the ledger takes 20 ms to answer',
    async (perSecond) => {
      const { time, book, pace } = given({ perSecond })
      book.answerMs = 20
      const atMs: number[] = []
      let over = false
      const worker = async (): Promise<void> => {
        while (!over) {
          await pace.slot(never)
          atMs.push(time.nowMs)
        }
      }
      for (let n = 0; n < 100; n++) void worker()
      await time.pass(4_000)
      over = true
      await time.pass(1_000)

      const steady = atMs.filter((at) => at >= 6_000 && at < 9_000)
      expect(steady.length).toBeGreaterThanOrEqual(0.99 * 3 * perSecond)
      const worst = Math.max(...steady.map((from) => steady.filter((at) => at >= from && at < from + 1_000).length))
      expect(worst).toBeLessThanOrEqual(perSecond + 1)
      expect(book.asked.length).toBeLessThan(5 * 50)
    },
  )

  it('by the machine’s own timers are never early either', async () => {
    const clocks = { monotonicMs: () => performance.now() }
    const slotMs: number[] = []
    const reserve = async (wanted: number): Promise<Reservation> => {
      const slots = Array.from({ length: wanted }, (_, n) => 3.3 * (n + 1))
      slotMs.push(...slots.map((at) => performance.now() + at))
      return { kind: 'slots', databaseAt: 0, slots }
    }
    const pace = ledgerPace({ reserve }, policy, clocks, silentLog)
    const gotMs = await Promise.all(
      Array.from({ length: 10 }, async () => {
        await pace.slot(never)
        return performance.now()
      }),
    )
    expect(gotMs.filter((at, n) => at < (slotMs[n] ?? 0))).toEqual([])
  })
})

describe('without a slot to give', () => {
  it('a hold sends everybody away, also those who had one to come', async () => {
    const { time, book, pace } = given()
    const { ask, names } = asking(pace, time)
    for (const name of ['a', 'b', 'c']) void ask(name)
    book.instead.push(
      { kind: 'slots', databaseAt: 0, slots: [0, 90] },
      { kind: 'hold', cause: 'outage', waitMs: 30_000 },
    )
    await time.pass(80)
    expect(names()).toEqual(['a', 'b: none', 'c: none'])
    expect(time.waits.size).toBe(0)
  })

  it('a hold’s probe goes to the first', async () => {
    const { time, book, pace } = given()
    const { ask, names } = asking(pace, time)
    for (const name of ['a', 'b', 'c']) void ask(name)
    book.instead.push({ kind: 'slots', databaseAt: 0, slots: [0] }, { kind: 'hold', cause: 'set-up', waitMs: 30_000 })
    await time.pass(0)
    expect(names()).toEqual(['a', 'b: none', 'c: none'])
  })

  it('the ledger is not asked again before it said so, whoever comes meanwhile', async () => {
    const { time, book, pace } = given()
    const { ask, names } = asking(pace, time)
    book.instead.push({ kind: 'wait', waitMs: 700 })
    const leaving = new AbortController()
    void ask('a', leaving.signal)
    await time.pass(300)
    leaving.abort()
    await time.pass(0)
    void ask('b')
    await time.pass(399)
    expect(book.asked).toHaveLength(1)
    await time.pass(1)
    expect(book.asked).toHaveLength(2)
    expect(names()).toEqual(['a: none', 'b'])
  })
})

describe('whoever is told to end', () => {
  it('gets none, and asks nothing, when told before', async () => {
    const { book, pace } = given()
    expect(await pace.slot(AbortSignal.abort())).toBeNull()
    expect(book.asked).toEqual([])
  })

  it('gets none at once, and the others keep their order', async () => {
    const { time, pace } = given()
    const { ask, names } = asking(pace, time)
    const leaving = new AbortController()
    void ask('a')
    void ask('b', leaving.signal)
    void ask('c')
    await time.pass(50)
    leaving.abort()
    await time.pass(0)
    expect(names()).toEqual(['a', 'b: none'])
    await time.pass(300)
    expect(names()).toEqual(['a', 'b: none', 'c'])
  })

  it('leaves no wait behind, nor a slot for nobody, also while the ledger is being asked', async () => {
    const { time, book, pace } = given()
    const { ask, names } = asking(pace, time)
    const leaving = new AbortController()
    book.instead.push({ kind: 'wait', waitMs: 30_000 })
    void ask('a', leaving.signal)
    await time.pass(10)
    leaving.abort()
    await time.pass(0)
    expect(time.waits.size).toBe(0)

    await time.pass(60_000)
    book.answerMs = 40
    const alsoLeaving = new AbortController()
    void ask('b', alsoLeaving.signal)
    await time.pass(10)
    alsoLeaving.abort()
    await time.pass(50)
    expect(time.waits.size).toBe(0)
    void ask('c')
    await time.pass(150)
    expect(names()).toEqual(['a: none', 'b: none', 'c'])
  })

  it('leaves no listener on the signal, and many may wait on one', async () => {
    const warnings: Error[] = []
    const note = (warning: Error): void => void warnings.push(warning)
    process.on('warning', note)
    onTestFinished(() => void process.off('warning', note))

    const { time, pace } = given({ perSecond: 1_000 })
    const ending = new AbortController()
    const slots = Promise.all(Array.from({ length: 200 }, () => pace.slot(ending.signal)))
    expect(events.getEventListeners(ending.signal, 'abort')).toHaveLength(200)
    await time.pass(1_000)
    expect((await slots).includes(null)).toBe(false)
    expect(events.getEventListeners(ending.signal, 'abort')).toEqual([])

    const none = Promise.all(Array.from({ length: 200 }, () => pace.slot(ending.signal)))
    ending.abort()
    expect(new Set(await none)).toEqual(new Set([null]))
    expect(events.getEventListeners(ending.signal, 'abort')).toEqual([])
    expect(warnings).toEqual([])
  })
})

it('tells once a second that the ledger cannot be asked, and goes on when it can', async () => {
  const told: unknown[] = []
  const { time, book, pace } = given({
    log: { ...silentLog, error: (event, fields) => told.push({ event, ...fields }) },
  })
  const { ask, names } = asking(pace, time)
  for (let n = 0; n < 3; n++) book.instead.push(new TypeError('no ledger for ann@example.com'))
  void ask('a')
  for (let n = 0; n < 29; n++) {
    // Who comes and goes meanwhile changes nothing.
    const leaving = new AbortController()
    void pace.slot(leaving.signal)
    await time.pass(100)
    leaving.abort()
  }
  expect(told).toEqual(Array(3).fill({ event: 'pace.unreadable', error: 'TypeError' }))
  expect(book.asked.map(({ atMs }) => atMs)).toEqual([5_000, 6_000, 7_000])
  await time.pass(100)
  expect(names()).toEqual(['a'])
})
