import { isAscii } from 'node:buffer'

/**
 * The same text in one byte per character, where it is ASCII. What Intl makes has two bytes per character, and so has every text
 * that one such piece is joined to: mails would take twice the memory and twice the time.
 */
export function compact(text: string): string {
  const bytes = Buffer.from(text)
  return isAscii(bytes) ? bytes.toString('latin1') : text
}
