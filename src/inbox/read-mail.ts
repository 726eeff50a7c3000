import type { Mail } from './mails.ts'

/** What a person wants to read of a message. */
export interface ReadMail {
  readonly subject: string
  readonly from: string
  /** X-Forewarn-Reference, if the message has one. */
  readonly reference: string | null
  readonly html: string | null
  readonly text: string | null
  /** In order, as they stand in the message, decoded and unfolded. */
  readonly headers: readonly { readonly name: string; readonly value: string }[]
}

const read = new WeakMap<Mail, Promise<ReadMail>>()

/** Parses a mail's MIME, once. */
export function readMail(mail: Mail): Promise<ReadMail> {
  let reading = read.get(mail)
  if (!reading) {
    reading = parse(mail.raw)
    read.set(mail, reading)
  }
  return reading
}

async function parse(raw: Buffer): Promise<ReadMail> {
  // Loaded when there is something to show: sending to the inbox does not need it.
  const { simpleParser } = await import('mailparser')
  // The mail is shown as it was written: no links or images are made up.
  const skips = { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true }
  const parsed = await simpleParser(raw, skips)
  const headers = parsed.headerLines.map(({ line }) => {
    const colon = line.indexOf(':')
    return {
      name: line.slice(0, colon),
      value: line
        .slice(colon + 1)
        .replace(/\r?\n\s*/g, ' ')
        .trim(),
    }
  })
  return {
    subject: parsed.subject ?? '',
    from: parsed.from?.text ?? '',
    reference: headers.find(({ name }) => name.toLowerCase() === 'x-forewarn-reference')?.value ?? null,
    html: parsed.html || null,
    text: parsed.text ?? null,
    headers,
  }
}
