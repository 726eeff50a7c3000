import { domainToASCII, domainToUnicode } from 'node:url'

const maxAddressCharacters = 254
const maxLocalCharacters = 64
const maxLabelCharacters = 63

/** What has no place in a bare address, in the order in which it is looked for. */
const misplaced: readonly (readonly [RegExp, string])[] = [
  [/\p{Cc}/u, 'contains a line break or another control character; expected one bare address'],
  [/\s/u, 'contains a space; expected one bare address without spaces'],
  [/[<>]/, 'has angle brackets; expected a bare address without a name'],
  [/[,;]/, 'contains a comma or semicolon; expected exactly one address'],
  [/["()\\]/, 'contains a quote, bracket or backslash; expected a bare address'],
]

/**
 * Checks that the text is exactly one bare address that mail can be sent to: an ASCII local part (a dot-atom of RFC 5321, its
 * case kept) and a domain name, ASCII or international, which is given in lower-case ASCII. The problem reads as a sentence
 * after the name of the thing checked: "email has no `@` …".
 */
export function parseAddress(text: string): { readonly address: string } | { readonly problem: string } {
  if (text === '') return { problem: 'is empty; expected an address such as `name@example.com`' }
  for (const [pattern, problem] of misplaced) {
    if (pattern.test(text)) return { problem }
  }
  const [local = '', domain, ...more] = text.split('@')
  if (domain === undefined) return { problem: 'has no `@`; expected an address such as `name@example.com`' }
  if (more.length > 0) return { problem: 'has more than one `@`; expected exactly one address' }

  const localProblem = problemOfLocal(local)
  if (localProblem !== null) return { problem: localProblem }
  const parsed = parseDomain(domain)
  if ('problem' in parsed) return parsed
  const address = `${local}@${parsed.domain}`
  if (address.length > maxAddressCharacters) {
    return { problem: `is longer than ${maxAddressCharacters} characters` }
  }
  return { address }
}

/**
 * The form of a checked address that names a recipient: wholly in lower case. In theory a local part's case matters; in practice
 * `Ann@` and `ann@` are one person, who is written to once.
 */
export function recipientForm(address: string): string {
  return address.toLowerCase()
}

function problemOfLocal(local: string): string | null {
  if (local === '') return 'has nothing before the `@`'
  if (local.length > maxLocalCharacters) return `has more than ${maxLocalCharacters} characters before the \`@\``
  if (/[^ -~]/.test(local)) return 'has characters other than ASCII before the `@`'
  if (!/^[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*$/.test(local)) {
    return 'has a dot at the wrong place or a character that is not allowed before the `@`'
  }
  return null
}

function parseDomain(text: string): { readonly domain: string } | { readonly problem: string } {
  if (text === '') return { problem: 'has nothing after the `@`' }
  if (text.length > maxAddressCharacters) return { problem: `is longer than ${maxAddressCharacters} characters` }
  if (text.startsWith('[')) return { problem: 'has an IP address; expected a domain name after the `@`' }
  // Checked before the conversion, which would undo percent signs and cut off paths and ports.
  if (/[^a-z0-9.\u0080-\u{10ffff}-]/iu.test(text)) {
    return {
      problem: 'has a character that no domain name has; expected letters, digits, hyphens and dots after the `@`',
    }
  }
  const domain = domainToASCII(text)
  if (domain === '') return { problem: 'has a domain that is not a valid international domain name' }

  const labels = domain.split('.')
  if (labels.at(-1) === '') return { problem: 'has a dot at the end of its domain' }
  if (labels.length < 2) return { problem: 'has a domain without a dot; expected one such as `example.com`' }
  if (/^\d+$/.test(labels.at(-1) ?? '')) return { problem: 'has an IP address; expected a domain name after the `@`' }
  for (const label of labels) {
    if (label === '') return { problem: 'has two dots in a row, or one at the beginning, in its domain' }
    if (label.length > maxLabelCharacters) {
      return { problem: `has a part of more than ${maxLabelCharacters} characters in its domain` }
    }
    if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(label)) {
      return { problem: 'has a hyphen at the beginning or end of a part of its domain' }
    }
    if (label.startsWith('xn--') && domainToUnicode(label) === label) {
      return { problem: 'has a domain that is not a valid international domain name' }
    }
  }
  return { domain }
}
