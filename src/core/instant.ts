/** A point in time: epoch milliseconds, UTC. */
export type Instant = number

/** ISO 8601 in UTC with `Z`, as all JSON and logs show instants; whole seconds are shown without a fraction. */
export function isoInstant(at: Instant): string {
  return new Date(at).toISOString().replace('.000Z', 'Z')
}
