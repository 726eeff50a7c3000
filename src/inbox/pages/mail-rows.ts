import { html } from 'hono/html'

import type { Mail } from '../mails.ts'
import { readMail } from '../read-mail.ts'
import type { searchMails } from '../search.ts'
import { type Choice, linkTo } from './choice.ts'
import type { Html } from './layout.ts'
import { stageBadge } from './stage-badge.ts'

/** The list, newest first. What does not fit is said, never just missing. */
export async function mailRows(found: Awaited<ReturnType<typeof searchMails>>, choice: Choice): Promise<Html> {
  const { mails, total } = found
  const hidden = total - mails.length
  const rows = await Promise.all(mails.map((mail) => mailRow(mail, choice)))
  return html`<div id="rows">
  ${rows.length > 0 ? html`<ol>${rows}</ol>` : ''}
  ${hidden > 0 ? html`<p class="more muted">and ${hidden.toLocaleString('en')} older ones: search to narrow the list.</p>` : ''}
  ${total === 0 ? nothing(choice) : ''}
</div>`
}

async function mailRow(mail: Mail, choice: Choice): Promise<Html> {
  const { subject } = await readMail(mail)
  const isCurrent = mail.id === choice.id
  const at = new Date(mail.at)
  return html`<li><a id="row-${mail.number}" href="${linkTo(choice, { id: mail.id })}" data-stay ${isCurrent ? html`aria-current="true"` : ''}>
    <span class="recipient">${mail.to.join(', ')}</span>
    <time datetime="${at.toISOString()}" title="${at.toISOString()}">${at.toISOString().slice(11, 19)}</time>
    <span class="subject">${subject || '(no subject)'}</span>
    <span class="stage">${stageBadge(mail)}</span>
  </a></li>`
}

function nothing(choice: Choice): Html {
  if (choice.query === '') return html`<p class="more muted">Mails appear here as they come.</p>`
  return html`<p class="more muted">No mail has “${choice.query}” in its recipient, subject, stage or reference. <a href="${linkTo(choice, { query: '' })}">Show all</a></p>`
}
