import { html } from 'hono/html'

import type { InboxView } from '../inbox-view.ts'
import type { Html } from './layout.ts'

/** What stands beside the list while no mail is open; in an empty inbox, how to get one. */
export function welcome(host: string, inbox: InboxView, missingId: string | undefined): Html {
  if (missingId !== undefined)
    return pane(
      'This mail is not here',
      html`<p>It was cleared, or dropped for newer ones. <a href="/">Show the list</a></p>`,
    )
  if (inbox.mails.size > 0)
    return html`<article id="mail"><div class="blank muted"><p>Choose a mail from the list.</p></div></article>`
  return pane(
    'No mail yet',
    html`<p>This inbox speaks Amazon SES’s protocol. Whatever the AWS SDK sends here is kept and shown, and goes no further.</p>
    <p>Point forewarn, or any program that uses SES, at it:</p>
    <pre class="block" tabindex="0">export AWS_ENDPOINT_URL_SES=http://${host}
export AWS_REGION=eu-west-1
export AWS_ACCESS_KEY_ID=inbox AWS_SECRET_ACCESS_KEY=inbox
npx --no forewarn run --once</pre>
    <p class="muted">New mails appear by themselves.</p>`,
  )
}

function pane(title: string, content: Html): Html {
  return html`<article id="mail" class="welcome"><div class="blank"><h2>${title}</h2>${content}</div></article>`
}
