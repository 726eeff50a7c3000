import type { Instant } from './instant.ts'

/** What is to be looked at when. One thing may be listed under several instants. */
export class Agenda<T> {
  readonly #listed = new Map<Instant, Set<T>>()
  /** Latest first: the next one is taken off the end. */
  readonly #instants: Instant[] = []

  /** Infinity: nothing is listed. */
  get nextAt(): Instant {
    return this.#instants.at(-1) ?? Number.POSITIVE_INFINITY
  }

  put(at: Instant, one: T): void {
    const others = this.#listed.get(at)
    if (others !== undefined) {
      others.add(one)
      return
    }
    this.#listed.set(at, new Set([one]))
    this.#instants.splice(this.#placeOf(at), 0, at)
  }

  /** What is listed under the next instant, which is struck off. */
  take(): T[] {
    const at = this.#instants.pop()
    if (at === undefined) return []
    const listed = [...(this.#listed.get(at) ?? [])]
    this.#listed.delete(at)
    return listed
  }

  #placeOf(at: Instant): number {
    let low = 0
    let high = this.#instants.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#instants[middle] ?? at) > at) low = middle + 1
      else high = middle
    }
    return low
  }
}
