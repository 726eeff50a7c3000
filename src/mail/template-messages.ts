import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import { type IcuElements, parseIcu } from './icu.ts'
import type { Problems } from './template-problem.ts'

/** One message of a language file. */
export interface MessageSource {
  readonly text: string
  readonly elements: IcuElements
  /** `FILE:LINE` */
  readonly where: string
}

/**
 * Reads a file of messages: YAML whose nested keys are joined by dots. What is not a text, or not an ICU message, is noted as a
 * problem and left out.
 */
export function readMessages(
  text: string,
  locale: string,
  file: string,
  problems: Problems,
): Map<string, MessageSource> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const found = new Map<string, MessageSource>()
  for (const error of document.errors) {
    const where = `${file}:${lines.linePos(error.pos[0]).line}`
    problems.error(
      'message',
      where,
      error.message.split('\n', 1)[0] ?? '',
      'Correct the YAML; quote texts with braces or colons.',
    )
  }

  function visit(node: unknown, path: readonly string[]): void {
    if (!isMap(node)) return
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue
      const name = [...path, String(key.value)]
      const where = `${file}:${lines.linePos(key.range?.[0] ?? 0).line}`
      if (isMap(value)) visit(value, name)
      else if (isScalar(value) && typeof value.value === 'string') add(name.join('.'), value.value, where)
      else problems.error('message', where, `${name.join('.')} is not a text.`, 'Give it as a text in quotes.')
    }
  }

  function add(key: string, message: string, where: string): void {
    if (/[\p{Cc}\u202a-\u202e]/u.test(message)) {
      const fix = 'Write it as one line of visible characters.'
      problems.error('message', where, `${key} has a line break or an invisible control character.`, fix)
    }
    try {
      found.set(key, { text: message, elements: parseIcu(message, locale), where })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      problems.error(
        'message',
        where,
        `${key} is not an ICU message (${reason}).`,
        "Correct its braces; write a brace as '{'.",
      )
    }
  }

  visit(document.contents, [])
  return found
}
