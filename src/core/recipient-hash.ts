/** What a hash is for: one person's place in the pilot must say nothing of their place in the spread. */
export type HashPurpose = 'pilot' | 'spread'

/**
 * A number that places a recipient within a campaign, the same on every machine and in every run: FNV-1a over
 * `purpose \0 campaign key \0 recipient key`, then MurmurHash3's finalizer, without which FNV's low bits are uneven
 * for keys that differ in their last letters only. An unsigned 32-bit integer; not a secret.
 */
export function recipientHash(purpose: HashPurpose, campaignKey: string, recipientKey: string): number {
  let hash = 0x811c9dc5
  hash = mix(hash, purpose)
  hash = mix(Math.imul(hash, fnvPrime), campaignKey)
  hash = mix(Math.imul(hash, fnvPrime), recipientKey)
  return finish(hash)
}

const fnvPrime = 0x01000193

/** FNV-1a over the string's code units. A bare multiplication between two strings is the step for `\0`. */
function mix(start: number, text: string): number {
  let hash = start
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), fnvPrime)
  return hash
}

function finish(start: number): number {
  let hash = start
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
