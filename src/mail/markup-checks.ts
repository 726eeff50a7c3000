import type { Problems } from './template-problem.ts'
import type { SourceText } from './template-source.ts'

const tag = /<(\/?)([a-z][\w:-]*)((?:"[^"]*"|'[^']*'|[^'">])*?)(\/?)>/gi
const empty = new Set(['br', 'hr', 'img', 'meta', 'link', 'input', 'wbr', 'col'])

/** Finds tags that are not closed, or closed in the wrong place. MJML closes them somewhere, without a word. */
export function checkTags(source: SourceText, problems: Problems): void {
  const open: { readonly name: string; readonly where: string }[] = []
  for (const match of source.text.matchAll(tag)) {
    const [, slash, name = '', , selfClosing] = match
    const where = source.whereAt(match.index)
    if (selfClosing || empty.has(name.toLowerCase())) continue
    if (!slash) {
      open.push({ name, where })
      continue
    }
    const last = open.at(-1)
    if (last?.name === name) {
      open.pop()
    } else if (open.some((other) => other.name === name)) {
      for (let other = open.pop(); other && other.name !== name; other = open.pop()) notClosed(other, problems)
    } else {
      problems.error('mjml', where, `</${name}> closes nothing.`, 'Take it out, or open it before.')
    }
  }
  for (const other of open) notClosed(other, problems)
}

function notClosed(tag: { readonly name: string; readonly where: string }, problems: Problems): void {
  problems.error('mjml', tag.where, `<${tag.name}> is not closed.`, `Add </${tag.name}>.`)
}

/** What has no place in a mail, and why. */
const unsafe: readonly (readonly [RegExp, string, string])[] = [
  [/<script\b/gi, 'Scripts do not run in mails, and mark them as dangerous.', 'Take the script out.'],
  [
    /<(form|input|select|textarea|button)\b/gi,
    'Forms in mails teach people to type secrets into mails.',
    'Link to the portal.',
  ],
  [
    /<(iframe|object|embed|applet|base|svg|math|video|audio|picture)\b/gi,
    'Mail programs block this element.',
    'Take it out.',
  ],
  [/<(img|link)\b/gi, 'Mails are complete without images and other files.', 'Say it in words.'],
  [
    /<mj-(image|carousel|social|hero|video)\b|\b(background-url|poster|srcset|background)\s*=/gi,
    'Images are remote resources.',
    'Say it in words.',
  ],
  [
    /<mj-font\b|@import\b|@font-face\b/gi,
    'A remote font tells a stranger who reads the mail.',
    'Use the font stack of the layout.',
  ],
  [/\burl\s*\(/gi, 'Styles must not load anything.', 'Use a colour.'],
  [/\bsrc\s*=/gi, 'Mails must not load anything.', 'Take it out.'],
  [/<[^>]*\son[a-z]+\s*=/gi, 'Event handlers are scripts.', 'Take the attribute out.'],
  [/javascript:/gi, 'This is a script.', 'Take it out.'],
  [
    /<style\b[^>]*>[^<]*\{\{|\bstyle\s*=\s*"[^"]*\{\{/gi,
    'Tokens in styles do not survive MJML.',
    'Use a class, or {{#if}} around the element.',
  ],
]

/** Finds in a source what must not be in a mail, so that the line can be named. */
export function checkSafety(source: SourceText, problems: Problems): void {
  for (const [pattern, message, fix] of unsafe) {
    for (const { index } of source.text.matchAll(pattern)) problems.error('unsafe', source.whereAt(index), message, fix)
  }
  for (const match of source.text.matchAll(/\bhref\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)/gi)) {
    const target = match[1]?.replace(/^["']|["']$/g, '') ?? ''
    if (/^\{\{[a-z]\w*Url\}\}$/.test(target) || /^mailto:\{\{[a-z]\w*Email\}\}$/.test(target)) continue
    const fix = 'Write href="{{someUrl}}" or href="mailto:{{someEmail}}", and name the fact in template.yaml.'
    problems.error('link', source.whereAt(match.index), `The link ${target} is not a fact of the campaign.`, fix)
  }
}

/** Finds in MJML's result what must not be in a mail, whatever way it came in. `styleTokens`: those that the compiler put there. */
export function checkResult(html: string, where: string, problems: Problems): void {
  if (/mj-include/.test(html)) problems.error('include', where, 'An include was left over.', 'Correct its path.')
  for (const [pattern, message, fix] of unsafe) {
    if (html.search(pattern) !== -1) problems.error('unsafe', where, message, fix)
  }
  for (const [link] of html.matchAll(/https?:\/\/[^\s"'<>]+/g)) {
    if (!link.startsWith('http://www.w3.org/')) {
      problems.error('unsafe', where, `The address ${link} stands in the template.`, 'Make it a fact of the campaign.')
    }
  }
}
