import type { BackendFactory, IQueueBackend, QueueOptions, WorkerOptions } from 'bullmq'

/** Where queues live, by the queue's URL. */
export interface Backend {
  readonly kind: 'embedded' | 'redis' | 'postgres'
  /** Resolves when it answers and is fit for use; throws ForewarnError `queue-unusable` within seconds otherwise. */
  open(): Promise<OpenBackend>
}

/** What BullMQ's constructors need to reach an open backend. */
export interface OpenBackend {
  /** Options of each Queue, beside the caller's own. What it asks fails within seconds when the backend is down. */
  readonly producerOptions: QueueOptions<unknown>
  /** Options of each Worker. What it asks waits for a backend that is down, and goes on when it is back. */
  workerOptions(): WorkerOptions<unknown>
  readonly factory: BackendFactory<IQueueBackend, unknown>
  /** Throws when the backend does not answer. */
  ping(): Promise<void>
  /** What an operator should change about the backend, in sentences; none is best. */
  warnings(): Promise<readonly string[]>
  /** What an error of this backend means, in a sentence for a person and without secrets. */
  explain(error: unknown): string
  /** Breaks every connection at once: what still waits for an answer fails. */
  disconnect(): void
  /** Frees it, after all its Queues and Workers have closed. */
  close(): Promise<void>
}
