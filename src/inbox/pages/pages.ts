import { readFileSync } from 'node:fs'

import { type Context, Hono } from 'hono'
import { streamSSE } from 'hono/streaming'

import type { InboxView } from '../inbox-view.ts'
import { searchMails } from '../search.ts'
import { chosen } from './choice.ts'
import { page } from './layout.ts'
import { mailPane } from './mail-pane.ts'
import { mailRows } from './mail-rows.ts'
import { welcome } from './welcome.ts'

const rowsShown = 200
const eventsEveryMs = 250

const assets = {
  'look.css': 'text/css',
  'inbox.css': 'text/css',
  'inbox-page.js': 'text/javascript',
} as const

/** The inbox for people: `/`, `/mails/:id`, their assets, and the event stream that tells the page when to look again. */
export function inboxPages(inbox: InboxView): Hono {
  const pages = new Hono()
  pages.get('/', (context) => show(context, inbox))
  pages.get('/mails/:id', (context) => show(context, inbox, context.req.param('id')))
  pages.get('/events', (context) => announceChanges(context, inbox))
  for (const [name, type] of Object.entries(assets)) {
    const content = readFileSync(new URL(name, import.meta.url), 'utf8')
    pages.get(`/assets/${name}`, (context) => context.body(content, 200, { 'content-type': `${type}; charset=utf-8` }))
  }
  return pages
}

async function show(context: Context, inbox: InboxView, id?: string): Promise<Response> {
  const choice = chosen(context.req.query(), id)
  const found = await searchMails(inbox.mails, choice.query, rowsShown)
  const mail = id === undefined ? undefined : inbox.mails.byId(id)
  const content = page({
    inbox,
    choice,
    isMailShown: id !== undefined,
    rows: await mailRows(found, choice),
    pane: mail ? await mailPane(mail, inbox.calls, choice) : welcome(context.req.header('host') ?? '', inbox, id),
  })
  return context.html(content, id !== undefined && !mail ? 404 : 200)
}

/** One event for many changes: what the page then asks for is always the whole present state. */
function announceChanges(context: Context, inbox: InboxView): Response {
  return streamSSE(context, async (stream) => {
    const left = new AbortController()
    stream.onAbort(() => left.abort())
    let news = Promise.withResolvers<void>()
    inbox.watch(() => news.resolve(), left.signal)
    left.signal.addEventListener('abort', () => news.resolve())
    await stream.writeSSE({ event: 'ready', data: '' })
    while (!left.signal.aborted) {
      await news.promise
      await stream.sleep(eventsEveryMs)
      news = Promise.withResolvers()
      if (left.signal.aborted) return
      await stream.writeSSE({ event: 'changed', data: String(inbox.calls.begun) })
    }
  })
}
