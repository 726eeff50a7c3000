/** What the clock starts. `campaign` is given for `scan` alone. */
export interface ClockJob {
  readonly name: string
  readonly campaign: string | null
}

/** One line of the timetable: a clock job, and when it runs: a cron line in a zone, or every so many milliseconds. */
export interface Timetable {
  readonly job: ClockJob
  readonly when: { readonly cron: string; readonly timeZone: string } | { readonly everyMs: number }
}

/** The handlers of a process that works. They never throw for a reason of the domain: the ledger has the outcome. */
export interface QueueHandlers {
  /** Sends one message. `signal` aborts when the process is told to end. */
  send(messageId: string, signal: AbortSignal): Promise<void>
  clock(job: ClockJob, signal: AbortSignal): Promise<void>
}

/**
 * The hurrying half of the work: which message ids to try next, and what the clock starts. It is never the truth:
 * everything in it can be lost, and is whole again at the next feed.
 */
export interface Queue {
  /** `embedded`, `redis` or `postgres`. */
  readonly backend: string
  /** Resolves when the backend answers. Throws ForewarnError `queue-unusable`. */
  start(): Promise<void>
  /** Queues message ids, most urgent first; one that is queued or running already is not added twice. */
  addSends(messageIds: readonly string[]): Promise<void>
  /** Makes the clock's timetable be exactly this: adds, changes and removes what differs, touches nothing else. */
  keepTimetable(timetable: readonly Timetable[]): Promise<void>
  /** Starts a clock job now, unless the same one waits or runs already. */
  startNow(job: ClockJob): Promise<void>
  /** Begins to work with these handlers: `sends` calls at once, and the clock's jobs if `clock`. */
  work(handlers: QueueHandlers, roles: { readonly sends: number; readonly clock: boolean }): Promise<void>
  /** Resolves when no send job waits or runs. */
  drained(signal: AbortSignal): Promise<void>
  counts(): Promise<{ readonly waiting: number; readonly active: number }>
  /** Takes no new job, aborts the handlers' signals after `graceMs`, waits for the handlers, closes. May be called twice. */
  stop(graceMs: number): Promise<void>
}
