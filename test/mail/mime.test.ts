import { simpleParser } from 'mailparser'
import { expect, it } from 'vitest'
import { buildMime, type MimeParts } from '#mail/mime.ts'

function given(more: Partial<MimeParts> = {}): MimeParts {
  return {
    messageId: '01JHK3M4N5P6Q7R8S9T0V1W2X3',
    from: { name: 'Partner Portal', address: 'portal@example.com', text: '' },
    replyTo: { name: null, address: 'help@example.com', text: '' },
    to: 'ann@example.org',
    subject: 'Your Caller PIN expires on January 14, 2027',
    at: Date.UTC(2027, 0, 7, 9),
    language: 'en',
    reference: '7K3M-Q2XW-9D4E',
    html: '<p>Hello</p>\r\n',
    text: 'Hello\r\n',
    ...more,
  }
}

it('has the headers of a notice that no machine should answer', async () => {
  const { headerLines } = await simpleParser(Buffer.from(buildMime(given())))
  expect(headerLines.map(({ line }) => line.replace(/\r?\n\s+/g, ' '))).toEqual([
    'From: "Partner Portal" <portal@example.com>',
    'Reply-To: help@example.com',
    'To: ann@example.org',
    'Subject: Your Caller PIN expires on January 14, 2027',
    'Date: Thu, 07 Jan 2027 09:00:00 +0000',
    'Message-ID: <01JHK3M4N5P6Q7R8S9T0V1W2X3@example.com>',
    'Content-Language: en',
    'Auto-Submitted: auto-generated',
    'X-Auto-Response-Suppress: All',
    'X-Forewarn-Reference: 7K3M-Q2XW-9D4E',
    'MIME-Version: 1.0',
    'Content-Type: multipart/alternative; boundary="=_01JHK3M4N5P6Q7R8S9T0V1W2X3"',
  ])
})

it.each([
  ['ASCII in short lines', 'Hello\r\nthere\r\n', '7bit'],
  ['letters beyond ASCII', 'Grüße, 田中 🦊\r\n', 'base64'],
  ['a line that is too long', `${'x'.repeat(999)}\r\n`, 'base64'],
  ['a line just not too long', `a\r\n${'x'.repeat(997)}\r\n${'y'.repeat(997)}\r\n`, '7bit'],
  ['a long text beyond ASCII', 'é'.repeat(5_000), 'base64'],
])('carries %s through seven bits', async (_, text, encoding) => {
  const raw = Buffer.from(buildMime(given({ text, html: text })))
  expect(raw.every((byte) => byte < 0x80)).toBe(true)
  expect(
    Math.max(
      ...raw
        .toString('latin1')
        .split('\r\n')
        .map(({ length }) => length),
    ),
  ).toBeLessThanOrEqual(998)
  expect(raw.toString('latin1')).toContain(`Content-Transfer-Encoding: ${encoding}\r\n`)
  expect(raw.toString('latin1')).not.toMatch(/[^\r]\n|\r[^\n]/)
  const parsed = await simpleParser(raw)
  expect(parsed.text?.trimEnd()).toBe(text.trimEnd().replaceAll('\r\n', '\n'))
  expect(String(parsed.html).trimEnd()).toBe(text.trimEnd().replaceAll('\r\n', '\n'))
})

it.each([
  'Votre code expire le 14 février 2027',
  'お客様の発信者番号は2027年1月14日に期限切れとなります。新しい番号を設定してください。お早めに',
  '🦊'.repeat(60),
  'Looks =?UTF-8?Q?encoded?= but is not',
])('encodes the subject %j in words of at most 75 characters', async (subject) => {
  const raw = Buffer.from(buildMime(given({ subject })))
  const header = /^Subject: (?:.*\r\n[ \t])*.*$/m.exec(raw.toString('latin1'))?.[0] ?? ''
  expect(header.split('\r\n').every((line) => line.length <= 76)).toBe(true)
  expect((await simpleParser(raw)).subject).toBe(subject)
})

it('quotes and encodes the names of mailboxes', async () => {
  for (const name of ['O"Neill, \\ Sons', 'Portal für Partner', 'x, y <z@evil.example>']) {
    const { from } = await simpleParser(
      Buffer.from(buildMime(given({ from: { name, address: 'portal@example.com', text: '' } }))),
    )
    expect(from?.value).toEqual([{ name, address: 'portal@example.com' }])
  }
})

it.each([
  { to: 'ann@example.org, evil@example.net' },
  { to: 'ann@example.org\r\nBcc: evil@example.net' },
  { to: 'Ann <ann@example.org>' },
  { to: 'jürgen@example.org' },
  { messageId: 'x\r\nBcc: evil@example.net' },
  { language: 'en\r\nBcc: evil@example.net' },
  { reference: 'x y' },
])('refuses %j', (more) => {
  expect(() => buildMime(given(more))).toThrow(TypeError)
})

it('lets no line break of a subject or name begin a header', async () => {
  const subject = 'Hello\r\nBcc: evil@example.net'
  const from = { name: 'Portal\r\nBcc: evil@example.net', address: 'portal@example.com', text: '' }
  const { headers } = await simpleParser(Buffer.from(buildMime(given({ subject, from }))))
  expect(headers.has('bcc')).toBe(false)
})
