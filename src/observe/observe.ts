/** Facts beside a log line. Never an address, a name or a PIN id: message ids, campaigns, codes, counts. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

/** Where decisions that matter are told to whoever runs the service. */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

/** For commands that have nothing to tell. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** Values of a metric's labels, which are of bounded sets: campaigns, stages, reasons, causes. Never an address, a name or an id. */
export type Labels<Label extends string> = Readonly<Record<Label, string>>

/** What happened so many times since this process began. */
export interface Counter<Label extends string> {
  add(labels: Labels<Label>, by?: number): void
  /** Shows it as 0 until it happens: what is absent looks like nothing to worry about. */
  begin(labels: Labels<Label>): void
}

/** How long something took, each time. */
export interface Durations<Label extends string> {
  record(labels: Labels<Label>, seconds: number): void
  /** Shows that it has not happened yet. */
  begin(labels: Labels<Label>): void
}

/** How something is now. */
export interface Gauge<Label extends string> {
  /** Takes the place of all that was shown before. What is not known is left out. */
  show(readings: readonly Reading<Label>[]): void
}

export interface Reading<Label extends string> {
  readonly labels: Labels<Label>
  readonly value: number
}
