import { compact } from './compact.ts'
import { fill, type Pieces, piecesOf } from './letter-shape.ts'

const columns = 76

const lineEnd = '\r\n'

/** A text part whose lines without slots are laid out already. Lines end as on the wire. */
export type TextLayout = readonly (string | { readonly line: Pieces; readonly underlined: boolean })[]

/**
 * Prepares a text part: paragraphs (each written as one line) are wrapped at 76 columns, list items with a hanging indent; a line
 * `---` underlines the line above it, or is a rule across; of several empty lines one stays. Lines with slots wait for `layOut`.
 */
export function prepareLayout(marked: string): TextLayout {
  const layout: (string | { line: Pieces; underlined: boolean })[] = []
  let last = ''
  for (const raw of marked.trimEnd().split('\n')) {
    const line = raw.trimEnd()
    const before = layout.at(-1)
    const pieces = piecesOf(line)
    if (line === '' && last === '') continue
    if (line === rule && last !== '' && typeof before === 'object') before.underlined = true
    else if (pieces.slots.length > 0) layout.push({ line: pieces, underlined: false })
    else {
      const text = line === rule ? '-'.repeat(last === '' ? columns : width(last)) : wrap(line)
      if (typeof before === 'string') layout[layout.length - 1] = compact(`${before}${text}${lineEnd}`)
      else layout.push(compact(text + lineEnd))
    }
    last = line
  }
  return layout
}

/** The text with its slots filled. Addresses of pages and mailboxes are never broken. */
export function layOut(layout: TextLayout, slots: readonly string[]): string {
  let text = ''
  for (const block of layout) {
    if (typeof block === 'string') {
      text += block
      continue
    }
    const lines = wrap(fill(block.line, slots))
    text += lines + lineEnd
    if (block.underlined) text += '-'.repeat(width(lines.slice(lines.lastIndexOf('\n') + 1))) + lineEnd
  }
  return text
}

const rule = '---'

function wrap(line: string): string {
  if (line.length <= columns && isNarrow(line)) return line
  const indent = /^\s*(?:[-*] |\d+\. )?/.exec(line)?.[0] ?? ''
  const hanging = ' '.repeat(indent.length)
  let wrapped = ''
  let current = indent
  let used = indent.length
  for (const piece of breakable(line.slice(indent.length))) {
    const size = width(piece.trimEnd())
    if (used + size > columns && used > indent.length) {
      wrapped += current.trimEnd() + lineEnd
      current = hanging
      used = indent.length
    }
    current += piece
    used += size + piece.length - piece.trimEnd().length
  }
  return wrapped + current.trimEnd()
}

/** What may stand on lines of its own, with the space after it: words, single wide characters, parts of overlong words. */
function breakable(text: string): string[] {
  const words = text.match(/\S+\s*/g) ?? []
  if (isNarrow(text) && words.every((word) => word.length <= columns)) return words
  return words.flatMap((word) =>
    /:\/\/|@/.test(word) || (width(word) <= columns / 2 && !wide.test(word)) ? [word] : split(word),
  )
}

/** Between two characters of which one is wide a line may end, but none begins with a closing mark. */
function split(word: string): string[] {
  const parts: string[] = []
  let part = ''
  let lastIsWide = false
  for (const { segment } of graphemes.segment(word)) {
    const isWide = wide.test(segment)
    const between = (lastIsWide || isWide) && !closing.test(segment) && !opening.test(part)
    if (part !== '' && segment.trim() !== '' && (between || width(part + segment) > columns / 2)) {
      parts.push(part)
      part = ''
    }
    part += segment
    lastIsWide = isWide
  }
  return [...parts, part]
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })
const closing = /^[\p{Pe}\p{Pf}、。，．：；？！ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ]/u
const opening = /[\p{Ps}\p{Pi}]$/u
/** East Asian wide characters and emoji, after UAX 11. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u

/** Columns on a screen with fixed character width: two for East Asian characters. */
function width(text: string): number {
  if (isNarrow(text)) return text.length
  let sum = 0
  for (const { segment } of graphemes.segment(text)) sum += wide.test(segment) ? 2 : 1
  return sum
}

/** True when surely each character takes one column: letters without combining marks, up to Arabic, and punctuation. */
function isNarrow(text: string): boolean {
  return !/[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u200f\u2028-\uffff]/.test(
    text,
  )
}
