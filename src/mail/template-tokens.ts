import type { Problems } from './template-problem.ts'
import type { SourceText } from './template-source.ts'

const token = /\{\{[\s\S]*?\}\}/g

/**
 * Checks that each token of the source came through MJML, in order. MJML drops text that stands where only components may,
 * so that the content of a lost `{{#if}}` would always show.
 */
export function checkTokens(source: SourceText, html: string, problems: Problems): void {
  const written = [...source.text.matchAll(token)].map(({ 0: text, index }) => ({ text, where: source.whereAt(index) }))
  const kept = [...withoutArticleAttributes(html).matchAll(token)].map(({ 0: text }) => text)
  const lost = missing(
    written.map(({ text }) => text),
    kept,
  )
  for (const index of lost) {
    const it = written[index]
    if (it === undefined) continue
    const fix = 'Put it into mj-text, or into mj-raw where it stands between components.'
    problems.error('dropped', it.where, `MJML drops ${it.text} here, or moves it.`, fix)
  }
  if (lost.length === 0 && kept.length !== written.length) {
    problems.error('dropped', source.where(1), 'MJML repeats a token.', 'Show the value in text, not in an attribute.')
  }
}

/** MJML repeats the title, the language and the direction on the element around the whole mail. */
function withoutArticleAttributes(html: string): string {
  return html.replace(
    /<div aria-label="[^"]*"( aria-roledescription="email" role="article") lang="[^"]*" dir="[^"]*"/,
    '<div$1',
  )
}

/** Indexes into `written` that are not in the longest common subsequence with `kept`. */
function missing(written: readonly string[], kept: readonly string[]): number[] {
  const longest = Array.from({ length: written.length + 1 }, () => new Uint16Array(kept.length + 1))
  const at = (i: number, j: number): number => longest[i]?.[j] ?? 0
  for (let i = written.length - 1; i >= 0; i--) {
    const row = longest[i]
    if (row === undefined) continue
    for (let j = kept.length - 1; j >= 0; j--) {
      row[j] = written[i] === kept[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lost: number[] = []
  for (let i = 0, j = 0; i < written.length; ) {
    if (j < kept.length && written[i] === kept[j]) {
      i++
      j++
    } else if (j < kept.length && at(i, j + 1) > at(i + 1, j)) {
      j++
    } else {
      lost.push(i++)
    }
  }
  return lost
}
