import { parseAddress } from '#core/address.ts'

/** Who a mail comes from, or answers go to. */
export interface Mailbox {
  readonly name: string | null
  /** ASCII, an international domain in punycode. */
  readonly address: string
  /** As a header shows it: `"Partner Portal" <portal@example.com>`. */
  readonly text: string
}

const maxCharacters = 320

/**
 * Parses one RFC 5322 mailbox, `name <address>` or an address alone, strictly: no second address, no group, no comment,
 * nothing that could begin another header. Returns a string that says what is wrong otherwise.
 */
export function parseMailbox(text: string): Mailbox | string {
  if (text.length > maxCharacters) return `it is longer than ${maxCharacters} characters`
  // Control characters could begin a header of their own; format characters can turn the name around for the eye.
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)) return 'it holds a line break or another invisible character'

  const [, phrase, bracketed] = /^([^<>"]*|\s*"(?:[^"\\]|\\.)*"\s*)<([^<>]*)>$/.exec(text.trim()) ?? []
  const name = phrase === undefined ? null : parseName(phrase.trim())
  if (name === undefined) return 'a name with any of ( ) < > [ ] : ; @ , . " \\ in it must stand in double quotes'
  const parsed = parseAddress(bracketed ?? text.trim())
  if ('problem' in parsed) return `its address ${parsed.problem}`
  const { address } = parsed
  return { name, address, text: name === null ? address : `"${name.replace(/["\\]/g, '\\$&')}" <${address}>` }
}

/** null: no name; undefined: one that is not written as RFC 5322 asks. */
function parseName(phrase: string): string | null | undefined {
  if (phrase === '') return null
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(phrase)?.[1]
  if (quoted !== undefined) return quoted.replace(/\\(.)/g, '$1').trim() || null
  return /[()<>[\]:;@\\,."]/.test(phrase) ? undefined : phrase.replace(/\s+/g, ' ')
}
