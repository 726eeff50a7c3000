import { parseAddress } from '#core/address.ts'
import type { Instant } from '#core/instant.ts'
import type { Mailbox } from '#settings/mailbox.ts'

/** What a message is built of. */
export interface MimeParts {
  /** Letters, digits, `-` and `_`: the ledger's id of the message. */
  readonly messageId: string
  /** Checked by `parseMailbox`, as is `replyTo`. */
  readonly from: Mailbox
  readonly replyTo: Mailbox
  /** One bare address with an ASCII domain. */
  readonly to: string
  readonly subject: string
  readonly at: Instant
  /** BCP 47 */
  readonly language: string
  readonly reference: string
  /** Lines end in CRLF, as those of the text. As bytes (UTF-8) where it is known not to be ASCII. */
  readonly html: string | Uint8Array
  readonly text: string
}

/**
 * The raw message, RFC 5322 and 2045: 7-bit, CRLF, multipart/alternative with the text first. The same parts give the same bytes.
 * Built here and not by a library because it is on the path of every mail: see docs/decisions/005-own-mime.md. Throws a TypeError for anything that
 * could begin another header or name another recipient.
 */
export function buildMime(parts: MimeParts): Uint8Array {
  const { messageId, from, replyTo, to, subject, language, reference } = parts
  if (!/^[\w-]{1,64}$/.test(messageId)) throw new TypeError('A message id must be letters, digits, - and _')
  if ('problem' in parseAddress(to)) throw new TypeError('The recipient is not one bare address')
  const boundary = `=_${messageId}`
  const head = [
    mailboxHeader('From', from),
    mailboxHeader('Reply-To', replyTo),
    `To: ${to}`,
    textHeader('Subject', subject),
    `Date: ${new Date(parts.at).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${messageId}@${from.address.slice(from.address.lastIndexOf('@') + 1)}>`,
    `Content-Language: ${token(language)}`,
    'Auto-Submitted: auto-generated',
    'X-Auto-Response-Suppress: All',
    `X-Forewarn-Reference: ${token(reference)}`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/alternative; boundary="${boundary}"`,
  ].join('\r\n')
  return Buffer.from(
    `${head}\r\n\r\n--${boundary}\r\n${bodyPart('plain', parts.text)}\r\n--${boundary}\r\n${bodyPart('html', parts.html)}\r\n--${boundary}--\r\n`,
    'latin1',
  )
}

/** ASCII in short lines goes as it is; all else as base64, which nothing on the way can alter. Lines end in CRLF already. */
function bodyPart(subtype: 'plain' | 'html', body: string | Uint8Array): string {
  const asIs = typeof body === 'string' && Buffer.byteLength(body) === body.length && !hasLongLine(body)
  return asIs
    ? `Content-Type: text/${subtype}; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n${body}`
    : `Content-Type: text/${subtype}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64Lines(body)}`
}

const maxLineCharacters = 998

function hasLongLine(text: string): boolean {
  let start = 0
  while (start + maxLineCharacters < text.length) {
    const end = text.lastIndexOf('\n', start + maxLineCharacters)
    if (end < start) return true
    start = end + 1
  }
  return false
}

/** In lines of 76 characters, the most that RFC 2045 allows. */
function base64Lines(body: string | Uint8Array): string {
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.length)
  const encoded = bytes.toString('base64')
  let lines = ''
  for (let start = 0; start < encoded.length; start += 76) lines += `${encoded.slice(start, start + 76)}\r\n`
  return lines
}

function mailboxHeader(name: string, mailbox: Mailbox): string {
  if (mailbox.name === null) return `${name}: ${mailbox.address}`
  const phrase = isPrintable(mailbox.name)
    ? `"${mailbox.name.replace(/["\\]/g, '\\$&')}"`
    : encodedWords(mailbox.name, name.length + 2)
  return `${name}: ${phrase}\r\n <${mailbox.address}>`
}

function textHeader(name: string, text: string): string {
  const fits = isPrintable(text) && name.length + 2 + text.length <= maxLineCharacters && !text.includes('=?')
  return `${name}: ${fits ? text : encodedWords(text, name.length + 2)}`
}

/** RFC 2047: encoded words of at most 75 characters, none of which parts a character. `used`: columns taken on the first line. */
function encodedWords(text: string, used: number): string {
  const words: string[] = []
  let room = maxWordBytes - Math.ceil((used * 3) / 4)
  let word = ''
  let size = 0
  for (const character of text.toWellFormed().replace(/\p{Cc}/gu, ' ')) {
    const bytes = Buffer.byteLength(character)
    if (size + bytes > room) {
      words.push(word)
      room = maxWordBytes
      word = ''
      size = 0
    }
    word += character
    size += bytes
  }
  words.push(word)
  return words.map((part) => `=?UTF-8?B?${Buffer.from(part).toString('base64')}?=`).join('\r\n ')
}

/** 75 characters less `=?UTF-8?B?` and `?=`, as bytes before base64. */
const maxWordBytes = 45

function isPrintable(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}

function token(text: string): string {
  if (!/^[A-Za-z0-9-]{1,64}$/.test(text)) throw new TypeError('A header value must be letters, digits and hyphens')
  return text
}
