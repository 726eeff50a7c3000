import { createHash } from 'node:crypto'
import type { Campaign } from '#core/campaign.ts'
import type { CompiledTemplate, Edition } from '#core/letter.ts'

/** A campaign and its template as they are now, named by the SHA-256 of their content: the same content has the same name everywhere. */
export function editionOf(campaign: Campaign, template: CompiledTemplate): Edition {
  const hash = createHash('sha256').update(canonicalJson({ campaign, template })).digest('hex')
  return { hash, campaign, template }
}

/** JSON with the keys of each object in order, so that equal values have equal texts. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
