/** The jobs whose handlers run in this process, each with a signal of its own. */
export class RunningJobs {
  readonly #controllers = new Map<string, AbortController>()
  #closed = false

  get size(): number {
    return this.#controllers.size
  }

  /** Runs `handle` under `key`, unless the same job runs here already or no new one is taken any more. */
  async run(key: string, handle: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.#closed || this.#controllers.has(key)) return
    const controller = new AbortController()
    this.#controllers.set(key, controller)
    try {
      await handle(controller.signal)
    } finally {
      this.#controllers.delete(key)
    }
  }

  /** Takes no new job from now on. */
  close(): void {
    this.#closed = true
  }

  abort(): void {
    for (const controller of this.#controllers.values()) controller.abort()
  }
}
