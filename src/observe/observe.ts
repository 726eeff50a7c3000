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
