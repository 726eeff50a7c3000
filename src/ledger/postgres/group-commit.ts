import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { ForewarnError } from '#core/errors.ts'

export interface GroupCommitOptions<Item, Answer> {
  /** Two items of one key never share a commit. */
  readonly keyOf: (item: Item) => string
  /** Commits the items together; an answer for each: undefined when what it needs is locked, and it is to come again. */
  readonly run: (items: readonly Item[]) => Promise<readonly (Answer | undefined)[]>
  /** True: this error may be the fault of one item alone, and nothing was committed. */
  readonly blames: (error: unknown) => boolean
}

interface Waiting<Item, Answer> {
  readonly item: Item
  readonly key: string
  readonly deadlineMs: number
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/** So many at once at most: a commit must stay short. */
const mostItems = 200
/** Until what is locked is tried again. */
const lockedPauseMs = 10
/** Whatever holds a row for so long is not one of ours. */
const lockedForMs = 60_000

/** Items that arrive while a commit runs share the next one. A bad one does not fail the others. */
export class GroupCommit<Item, Answer> {
  readonly #options: GroupCommitOptions<Item, Answer>
  #queue: Waiting<Item, Answer>[] = []
  #flushing = false

  constructor(options: GroupCommitOptions<Item, Answer>) {
    this.#options = options
  }

  /** The answer to an item once it is durable. Throws what `run` throws. */
  submit(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const deadlineMs = performance.now() + lockedForMs
      this.#queue.push({ item, key: this.#options.keyOf(item), deadlineMs, resolve, reject })
      if (!this.#flushing) void this.#flush()
    })
  }

  async #flush(): Promise<void> {
    this.#flushing = true
    // Whatever else arrives in this turn of the event loop shares the first commit.
    await turn()
    while (this.#queue.length > 0) {
      const batch = this.#take()
      const locked = await this.#commit(batch)
      if (locked.length > 0) this.#queue.unshift(...this.#patientOf(locked))
      if (locked.length === batch.length) await pause(lockedPauseMs)
    }
    this.#flushing = false
  }

  /** The first of each key, up to the limit. */
  #take(): Waiting<Item, Answer>[] {
    const batch = new Map<string, Waiting<Item, Answer>>()
    const rest: Waiting<Item, Answer>[] = []
    for (const one of this.#queue) {
      if (batch.size < mostItems && !batch.has(one.key)) batch.set(one.key, one)
      else rest.push(one)
    }
    this.#queue = rest
    return [...batch.values()]
  }

  /** Gives back those that met a lock. */
  async #commit(batch: readonly Waiting<Item, Answer>[]): Promise<Waiting<Item, Answer>[]> {
    try {
      const answers = await this.#options.run(batch.map(({ item }) => item))
      return batch.filter((one, index) => {
        const answer = answers[index]
        if (answer !== undefined) one.resolve(answer)
        return answer === undefined
      })
    } catch (error) {
      if (batch.length > 1 && this.#options.blames(error)) return this.#commitEach(batch)
      for (const one of batch) one.reject(error)
      return []
    }
  }

  async #commitEach(batch: readonly Waiting<Item, Answer>[]): Promise<Waiting<Item, Answer>[]> {
    const locked: Waiting<Item, Answer>[] = []
    for (const one of batch) locked.push(...(await this.#commit([one])))
    return locked
  }

  #patientOf(locked: readonly Waiting<Item, Answer>[]): Waiting<Item, Answer>[] {
    const now = performance.now()
    const error = new ForewarnError('ledger-unusable', 'another program keeps a message of the ledger locked', {
      hint: 'look for open transactions in pg_stat_activity',
    })
    return locked.filter((one) => {
      if (now > one.deadlineMs) one.reject(error)
      return now <= one.deadlineMs
    })
  }
}
