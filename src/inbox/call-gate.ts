import type { Call } from './calls.ts'

/** Where a held call stands: `before` its message is accepted, or `after` it, with the answer yet to be written. */
export type HoldPoint = 'before' | 'after'

/** Sending calls that are kept in flight until `release`. */
export interface HeldCalls {
  /** Those that wait now, in order of arrival at the hold. */
  readonly waiting: readonly Call[]
  /** Lets all go, and holds no more. */
  release(): void
}

/** Holds calls in flight, so that tests can put something in between deterministically. */
export class CallGate {
  #holds: { point: HoldPoint; held: Held }[] = []
  readonly #changed: () => void

  /** `changed` is told whenever a call begins to wait. */
  constructor(changed: () => void) {
    this.#changed = changed
  }

  hold(point: HoldPoint): HeldCalls {
    const held = new Held(() => {
      this.#holds = this.#holds.filter((hold) => hold.held !== held)
    })
    this.#holds.push({ point, held })
    return held
  }

  async pass(point: HoldPoint, call: Call): Promise<void> {
    for (const hold of this.#holds.filter((each) => each.point === point)) {
      const released = hold.held.wait(call)
      this.#changed()
      await released
    }
  }

  releaseAll(): void {
    for (const { held } of this.#holds) held.release()
  }
}

class Held implements HeldCalls {
  readonly waiting: Call[] = []
  readonly #released = Promise.withResolvers<void>()
  readonly #ended: () => void

  constructor(ended: () => void) {
    this.#ended = ended
  }

  wait(call: Call): Promise<void> {
    this.waiting.push(call)
    return this.#released.promise
  }

  release(): void {
    this.waiting.length = 0
    this.#ended()
    this.#released.resolve()
  }
}
