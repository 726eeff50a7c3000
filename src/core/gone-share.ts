/** Re-reads of PINs within this time are looked at together. */
export const goneWindowMs = 60_000
/** Fewer re-reads say nothing yet. */
export const leastReads = 50
/** When more than this share of the PINs is gone, it is rather the portal that errs. */
export const mostGone = 0.2

/** True when a portal that answers like this is not to be believed. */
export function tooManyGone({ read, gone }: { readonly read: number; readonly gone: number }): boolean {
  return read >= leastReads && gone > read * mostGone
}
