/** The jobs whose handlers run in this process, each with a signal of its own. */
export class RunningJobs {
  readonly #running = new Map<string, { controller: AbortController; ended: Promise<void> }>()
  #closed = false

  get size(): number {
    return this.#running.size
  }

  /** Runs `handle` under `key`, unless the same job runs here already or no new one is taken any more. */
  async run(key: string, handle: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.#closed || this.#running.has(key)) return
    const controller = new AbortController()
    const ended = Promise.withResolvers<void>()
    this.#running.set(key, { controller, ended: ended.promise })
    try {
      await handle(controller.signal)
    } finally {
      this.#running.delete(key)
      ended.resolve()
    }
  }

  /** Takes no new job from now on. */
  close(): void {
    this.#closed = true
  }

  abort(): void {
    for (const { controller } of this.#running.values()) controller.abort()
  }

  /** Resolves when those that run now have ended. */
  async ended(): Promise<void> {
    await Promise.all(Array.from(this.#running.values(), ({ ended }) => ended))
  }
}
