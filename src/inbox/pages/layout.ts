import { html } from 'hono/html'

import type { InboxView } from '../inbox-view.ts'
import type { Choice } from './choice.ts'

/** A piece of a page. */
export type Html = ReturnType<typeof html>

export interface Page {
  readonly inbox: InboxView
  readonly choice: Choice
  readonly isMailShown: boolean
  readonly rows: Html
  readonly pane: Html
}

/** The whole page: head, search and list, and whatever stands beside it. */
export function page({ inbox, choice, isMailShown, rows, pane }: Page): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Inbox · forewarn</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/look.css">
<link rel="stylesheet" href="/assets/inbox.css">
<script type="module" src="/assets/inbox-page.js"></script>
</head>
<body class="inbox ${isMailShown ? 'showing-mail' : 'showing-list'}">
<header class="top">
  <a class="skip" href="#mail">Skip to the mail</a>
  <h1><a href="/">Inbox</a></h1>
  <p id="count" class="muted">${countOf(inbox)}</p>
  <div class="end">
    <span id="faults">${faultsOf(inbox)}</span>
    <button id="clear" class="button" type="button">Clear</button>
  </div>
</header>
<main class="panes">
  <section class="list" aria-label="Mails">
    <form role="search" action="/" method="get">
      <label class="out-of-sight" for="search">Search by recipient, subject, stage or reference</label>
      <input id="search" class="field" type="search" name="q" value="${choice.query}" placeholder="Recipient, subject, stage…" autocomplete="off">
    </form>
    ${rows}
    <p class="keys muted"><kbd>j</kbd> <kbd>k</kbd> next, previous · <kbd>/</kbd> search</p>
  </section>
  ${pane}
</main>
</body>
</html>`
}

function countOf(inbox: InboxView): string {
  const { size, dropped } = inbox.mails
  const count = `${size.toLocaleString('en')} ${size === 1 ? 'mail' : 'mails'}`
  return dropped === 0 ? count : `${count}, ${dropped.toLocaleString('en')} older ones dropped`
}

function faultsOf(inbox: InboxView): Html | string {
  const count = inbox.faults.current.faults.length
  if (count === 0) return ''
  return html`<a class="badge warn" href="/faults">${count} ${count === 1 ? 'fault plays' : 'faults play'}</a>`
}
