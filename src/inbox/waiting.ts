/** Lets others await a condition of the inbox: each change asks all predicates again. */
export class Waiting {
  readonly #listeners = new Set<() => void>()
  readonly #rejections = new Set<(reason: Error) => void>()

  changed(): void {
    for (const listener of this.#listeners) listener()
  }

  watch(listener: () => void, signal: AbortSignal): void {
    if (signal.aborted) return
    this.#listeners.add(listener)
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true })
  }

  async until(predicate: () => boolean): Promise<void> {
    if (predicate()) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const met = new AbortController()
    this.#rejections.add(reject)
    this.watch(() => predicate() && resolve(), met.signal)
    try {
      await promise
    } finally {
      this.#rejections.delete(reject)
      met.abort()
    }
  }

  /** Nothing will change any more. */
  end(): void {
    for (const reject of this.#rejections) reject(new Error('the inbox stopped before what was waited for came true'))
  }
}
