import { html } from 'hono/html'

import type { Mail } from '../mails.ts'
import type { Html } from './layout.ts'

const toneOf: Record<string, string> = { expired: 'bad', '1d': 'warn' }

/** The mail's tag `stage`, warmer the nearer the expiry. */
export function stageBadge(mail: Mail): Html | string {
  const stage = mail.tags.find((tag) => tag.name === 'stage')?.value
  return stage === undefined ? '' : html`<span class="badge ${toneOf[stage] ?? ''}">${stage}</span>`
}
