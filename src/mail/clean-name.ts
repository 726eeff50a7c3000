const maxCharacters = 80

/**
 * A name as a mail shows it: one line, no characters that are invisible or turn the text around, nothing that a mail program
 * would make a link of, at most 80 characters. null when nothing is left.
 */
export function cleanName(name: string | null): string | null {
  if (name === null) return null
  if (plain.test(name)) return name
  const line = name
    .toWellFormed()
    // Control characters, line and paragraph separators.
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    // Invisible and bidirectional controls, except the joiners that scripts and emoji need.
    .replace(/[\p{Cf}\p{Co}]/gu, (character) => (joiners.has(character) ? character : ''))
    .replace(/\s+/g, ' ')
    .trim()
  return cut(withoutLinks(line)) || null
}

/** Most names: nothing in them can be a link, invisible or too long. */
const plain = /^(?=.{1,80}$)[\p{L}'’-]+(?: [\p{L}'’-]+)*$/u

const joiners = new Set(['\u200c', '\u200d'])

/** Parts what mail programs turn into links, and leaves it legible: `evil.example` becomes `evil. example`. */
function withoutLinks(text: string): string {
  return text
    .replace(/(?<=\p{L}):(?=\/)/gu, ': ')
    .replace(/(?<=\S)([.．。｡])(?=[\p{L}\p{N}][\p{L}\p{N}-])/gu, '$1 ')
    .replace(/(?<=\S)@(?=\S)/g, ' @ ')
}

function cut(text: string): string {
  if (text.length <= maxCharacters) return text
  let kept = ''
  for (const { segment } of new Intl.Segmenter('und', { granularity: 'grapheme' }).segment(text)) {
    if (kept.length + segment.length > maxCharacters - 1) break
    kept += segment
  }
  return `${kept.trimEnd()}…`
}
