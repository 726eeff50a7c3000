import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { type LogFields, silentLog } from '#observe/observe.ts'
import { openQueue } from '#queue/bullmq-queue.ts'
import type { Queue, QueueHandlers } from '#queue/queue.ts'

export interface GivenQueue {
  readonly queue: Queue
  /** Every line that it logged. */
  readonly lines: readonly LogFields[]
  /** What its workers have sent, in order. */
  readonly sent: readonly string[]
  /** Resolves when its workers have sent this. */
  readonly untilSent: (messageId: string) => Promise<void>
  /** Begins to work. */
  readonly work: () => Promise<void>
}

/** A queue of its own at `url` that is not started yet, and is stopped after the test. */
export function aQueue(url: string, name: string = randomUUID()): GivenQueue {
  const lines: LogFields[] = []
  const sent: string[] = []
  const awaited = new Map<string, () => void>()
  const log = { ...silentLog, warn: (_event: string, fields: LogFields = {}) => void lines.push(fields) }
  const queue = openQueue({ url, name, log })
  onTestFinished(() => queue.stop(0))
  const handlers: QueueHandlers = {
    async send(messageId) {
      sent.push(messageId)
      awaited.get(messageId)?.()
    },
    async clock() {},
  }
  return {
    queue,
    lines,
    sent,
    untilSent: (messageId) =>
      new Promise((resolve) => {
        if (sent.includes(messageId)) resolve()
        else awaited.set(messageId, resolve)
      }),
    work: () => queue.work(handlers, { sends: 2, clock: true }),
  }
}

/** Adds the message until the queue takes it, as the feed does. */
export async function feedUntilTaken(queue: Queue, messageId: string): Promise<void> {
  for (;;) {
    const error = await queue.addSends([messageId]).then(
      () => null,
      (error: unknown) => error,
    )
    if (error === null) return
    await pause(20)
  }
}

/** What the call is refused with, and how long it took. */
export async function refusal(call: () => Promise<unknown>): Promise<{ error: unknown; tookMs: number }> {
  const began = performance.now()
  const error = await call().then(
    () => null,
    (error: unknown) => error,
  )
  return { error, tookMs: performance.now() - began }
}
