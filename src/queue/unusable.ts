import { ForewarnError } from '#core/errors.ts'

/** The queue cannot be used, for now: `message` says which and why, without secrets. */
export function unusable(message: string): ForewarnError {
  return new ForewarnError('queue-unusable', message, { path: 'queue', hint: 'check queue (QUEUE_URL) and its server' })
}

/** Why the queue at `label`, an address without credentials, cannot be used. */
export function cannotUse(label: string, why: string): string {
  return `the queue at ${label} cannot be used: ${why}`
}
