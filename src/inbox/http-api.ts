import { type Context, Hono } from 'hono'

import { ForewarnError } from '#core/errors.ts'
import { isoInstant } from '#core/instant.ts'

import { type Call, isAbout } from './calls.ts'
import type { InboxView } from './inbox-view.ts'
import type { Mail } from './mails.ts'
import { readMail } from './read-mail.ts'
import { searchMails } from './search.ts'

const maxListed = 1_000

/** Mails, calls and faults over HTTP, and the pages, if there are any. */
export function inboxApi(inbox: InboxView, changed: () => void, pages?: Hono): Hono {
  const api = new Hono()
  api.use(pageHeaders)
  api.use(sameOriginChanges)

  api.get('/mails.json', async (context) => {
    const { mails, total } = await searchMails(inbox.mails, context.req.query('q'), limitOf(context))
    return context.json({
      total,
      dropped: inbox.mails.dropped,
      truncated: mails.length < total,
      mails: await Promise.all(mails.map(mailSummary)),
    })
  })
  api.delete('/mails', (context) => {
    inbox.mails.clear()
    changed()
    return context.body(null, 204)
  })
  api.get('/mails/:file{.+\\.json}', async (context) => {
    const mail = inbox.mails.byId(context.req.param('file').slice(0, -'.json'.length))
    if (!mail) return notFound(context)
    const calls = inbox.calls.where((call) => isAbout(call, mail)).map(callJson)
    return context.json({ ...(await mailSummary(mail)), ...(await mailText(mail)), calls })
  })
  api.get('/mails/:id/raw', (context) => {
    const mail = inbox.mails.byId(context.req.param('id'))
    if (!mail) return notFound(context)
    return context.body(new Uint8Array(mail.raw), 200, { 'content-type': 'message/rfc822' })
  })
  api.get('/mails/:id/text', async (context) => {
    const mail = inbox.mails.byId(context.req.param('id'))
    const text = mail && (await readMail(mail)).text
    return text == null ? notFound(context) : context.text(text)
  })
  api.get('/mails/:id/html', async (context) => {
    const mail = inbox.mails.byId(context.req.param('id'))
    const html = mail && (await readMail(mail)).html
    return html == null ? notFound(context) : context.html(html, 200, { 'content-security-policy': mailPolicy })
  })
  api.get('/calls.json', (context) => {
    const after = Number(context.req.query('after') ?? 0)
    const later = inbox.calls.list().filter((call) => call.number > after)
    const listed = later.slice(0, limitOf(context))
    return context.json({
      total: inbox.calls.begun,
      accepted: inbox.calls.accepted,
      dropped: inbox.calls.dropped,
      truncated: listed.length < later.length,
      calls: listed.map(callJson),
    })
  })
  api.get('/faults', (context) => context.json(inbox.faults.current))
  api.put('/faults', async (context) => context.json(inbox.faults.replace(await context.req.json())))

  if (pages) api.route('/', pages)
  api.notFound((context) => notFound(context))
  api.onError((error, context) => {
    if (error instanceof ForewarnError || error instanceof SyntaxError) {
      const code = error instanceof ForewarnError ? error.code : 'input-unreadable'
      return context.json({ error: { code, message: error.message } }, 400)
    }
    return context.json({ error: { code: 'internal', message: error.message } }, 500)
  })
  return api
}

/** Whether a Host header names this machine: other names point here only when a page tries to reach in by DNS rebinding. */
export function isOwnHost(host: string | undefined): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(host ?? '')
}

// A mail can neither run nor load anything, wherever it is opened.
const mailPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"

const safeHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** Set before the handler runs, so that a mail's own stricter policy takes the place of the pages'. */
async function pageHeaders(context: Context, next: () => Promise<void>): Promise<void> {
  for (const [name, value] of Object.entries(safeHeaders)) context.header(name, value)
  await next()
}

async function sameOriginChanges(context: Context, next: () => Promise<void>): Promise<Response | undefined> {
  const origin = context.req.header('origin')
  const changes = context.req.method !== 'GET' && context.req.method !== 'HEAD'
  if (changes && origin !== undefined && origin !== `http://${context.req.header('host')}`) {
    return context.json({ error: { code: 'refused', message: 'Only the inbox’s own pages may change it.' } }, 403)
  }
  await next()
  return undefined
}

async function mailSummary(mail: Mail) {
  const { from, subject, reference } = await readMail(mail)
  return {
    id: mail.id,
    number: mail.number,
    at: isoInstant(mail.at),
    source: mail.source,
    to: mail.to,
    from,
    subject,
    reference,
    tags: Object.fromEntries(mail.tags.map(({ name, value }) => [name, value])),
    configurationSet: mail.configurationSet,
    size: mail.raw.length,
  }
}

async function mailText(mail: Mail) {
  const { headers, text, html } = await readMail(mail)
  return { headers, text, html }
}

function callJson(call: Call) {
  return {
    ...call,
    begunAt: isoInstant(call.begunAt),
    endedAt: call.endedAt === null ? null : isoInstant(call.endedAt),
    tags: Object.fromEntries(call.tags.map(({ name, value }) => [name, value])),
  }
}

function limitOf(context: Context): number {
  const limit = Number(context.req.query('limit') ?? maxListed)
  return Number.isInteger(limit) && limit > 0 ? Math.min(limit, maxListed) : maxListed
}

function notFound(context: Context): Response {
  return context.json({ error: { code: 'not-found', message: 'There is no such thing in this inbox.' } }, 404)
}
