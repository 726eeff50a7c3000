import { html } from 'hono/html'

import { type Call, type Calls, isAbout } from '../calls.ts'
import type { Mail } from '../mails.ts'
import { type ReadMail, readMail } from '../read-mail.ts'
import { type Choice, linkTo, type Tab, tabs, widths } from './choice.ts'
import type { Html } from './layout.ts'

/** One mail: its envelope, and what it says in the chosen tab. */
export async function mailPane(mail: Mail, calls: Calls, choice: Choice): Promise<Html> {
  const read = await readMail(mail)
  const bodies: Record<Tab, () => Html> = {
    html: () => preview(mail, read, choice),
    text: () => (read.text === null ? absent('text') : html`<pre class="block" tabindex="0">${read.text}</pre>`),
    headers: () => headerTable(read),
    raw: () => html`<pre class="block" tabindex="0">${mail.raw.toString()}</pre>`,
    calls: () => callTable(calls.where((call) => isAbout(call, mail))),
  }
  return html`<article id="mail" aria-labelledby="subject">
  <div class="head">
    <a class="back" href="${linkTo(choice, { id: undefined })}">← All mails</a>
    <h2 id="subject">${read.subject || '(no subject)'}</h2>
    ${facts(mail, read)}
  </div>
  <div class="tools">
    ${tabLinks(choice)}
    ${choice.tab === 'html' && read.html !== null ? widthLinks(choice) : ''}
  </div>
  <div class="body">${bodies[choice.tab]()}</div>
</article>`
}

function facts(mail: Mail, read: ReadMail): Html {
  const at = new Date(mail.at)
  return html`<dl class="facts">
    <dt>From</dt><dd>${read.from || mail.source || 'not given'}</dd>
    <dt>Arrived</dt><dd><time datetime="${at.toISOString()}">${arrival.format(at)}</time></dd>
    <dt>Envelope to</dt><dd>${mail.to.join(', ')}</dd>
    <dt>Size</dt><dd>${kilobytes(mail.raw.length)}</dd>
    <dt>Reference</dt><dd class="mono">${read.reference ?? 'none'}</dd>
    <dt>Configuration set</dt><dd>${mail.configurationSet ?? 'none'}</dd>
    ${mail.tags.length === 0 ? '' : html`<dt>Tags</dt><dd class="tags wide">${mail.tags.map(tagBadge)}</dd>`}
  </dl>`
}

const arrival = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long', timeZone: 'UTC' })

function tagBadge({ name, value }: Mail['tags'][number]): Html {
  return html`<span class="badge">${name}: ${value}</span>`
}

function tabLinks(choice: Choice): Html {
  const links = (Object.keys(tabs) as Tab[]).map((tab) => choiceLink(choice, { tab }, tabs[tab], tab === choice.tab))
  return html`<nav class="choices" aria-label="Parts of the mail">${links}</nav>`
}

function widthLinks(choice: Choice): Html {
  const links = widths.map((width) => choiceLink(choice, { width }, width, width === choice.width))
  return html`<nav class="choices" aria-label="Width of the preview">${links}</nav>`
}

function choiceLink(choice: Choice, change: Partial<Choice>, label: string, isCurrent: boolean): Html {
  const current = isCurrent ? html`aria-current="true"` : ''
  return html`<a id="choice-${label.toLowerCase()}" href="${linkTo(choice, change)}" data-stay ${current}>${label}</a>`
}

/** The sandbox is empty on purpose: no script, no form, no navigation of this page. */
function preview(mail: Mail, read: ReadMail, choice: Choice): Html {
  if (read.html === null) return absent('HTML')
  return html`<div class="frame"><iframe class="preview w${choice.width}" sandbox="" title="The mail as HTML" src="/mails/${mail.id}/html"></iframe></div>`
}

function absent(part: string): Html {
  return html`<p class="muted">This mail has no ${part} part.</p>`
}

function headerTable(read: ReadMail): Html {
  const rows = read.headers.map(
    ({ name, value }) => html`<tr><th scope="row">${name}</th><td class="mono">${value}</td></tr>`,
  )
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Headers"><table>${rows}</table></div>`
}

function callTable(calls: readonly Call[]): Html {
  const rows = calls.map(
    (call) => html`<tr>
    <td>${call.number}</td>
    <td><time datetime="${new Date(call.begunAt).toISOString()}">${new Date(call.begunAt).toISOString().slice(11, 23)}</time></td>
    <td>${call.action ?? ''}</td>
    <td>${call.accepted ? html`<span class="badge good">accepted</span>` : html`<span class="badge">not accepted</span>`}</td>
    <td>${call.outcome ?? 'open'}${call.fault === null ? '' : ` (fault: ${call.fault})`}</td>
  </tr>`,
  )
  return html`<p class="muted">Every call that brought this mail, or tried to bring the same message.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Calls"><table>
  <thead><tr><th scope="col">Call</th><th scope="col">Begun (UTC)</th><th scope="col">Action</th><th scope="col">Message</th><th scope="col">Answer</th></tr></thead>
  <tbody>${rows}</tbody>
</table></div>`
}

function kilobytes(bytes: number): string {
  return bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(1)} KB`
}
