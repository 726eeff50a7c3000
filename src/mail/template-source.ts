import { readFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import type { Problems } from './template-problem.ts'

/** A source text put together of files, which knows where each of its lines was written. */
export class SourceText {
  readonly text: string
  readonly #origins: readonly string[]

  /** `origins`: for each line of the text, `FILE:LINE`. */
  constructor(text: string, origins: readonly string[]) {
    this.text = text
    this.#origins = origins
  }

  /** `FILE:LINE` of a line of the whole text, counted from 1. */
  where(line: number): string {
    return this.#origins[Math.max(1, Math.min(line, this.#origins.length)) - 1] ?? '?'
  }

  /** `FILE:LINE` of an index into the text. */
  whereAt(index: number): string {
    return this.where(this.text.slice(0, index).split('\n').length)
  }
}

const maxFileBytes = 200_000
const maxDepth = 5
const include = /^[ \t]*<mj-include\s+path="([^"]*)"\s*\/>[ \t]*$/

/**
 * Reads a source file of a template folder and puts in the place of each `<mj-include path="…" />`, which stands on a line of
 * its own, the lines of that file: one of the template's own folder or of `layout/` beside it. MJML's own includes are left
 * off, because it passes over a missing or denied file without a word.
 */
export async function readSource(folder: string, file: string, problems: Problems): Promise<SourceText> {
  const root = resolve(folder)
  const allowed = [root, join(dirname(root), 'layout')]
  const lines: string[] = []
  const origins: string[] = []

  async function append(path: string, from: string, depth: number): Promise<void> {
    const shown = showPath(root, path)
    const text = await readText(path, from, shown, problems)
    for (const [index, line] of withoutComments(text ?? '')
      .split('\n')
      .entries()) {
      const where = `${shown}:${index + 1}`
      const target = include.exec(line)?.[1]
      if (target === undefined) {
        if (line.includes('mj-include')) {
          problems.error(
            'include',
            where,
            'This include cannot be read.',
            'Write <mj-include path="…" /> on a line of its own.',
          )
        }
        lines.push(line.replace(/\r$/, ''))
        origins.push(where)
        continue
      }
      const included = resolve(dirname(path), target)
      if (!allowed.some((folder) => included.startsWith(folder + sep))) {
        const fix = `Include files of ${basename(root)}/ or of layout/ only.`
        problems.error('include', where, `${target} lies outside the folders that may be included.`, fix)
      } else if (depth >= maxDepth) {
        problems.error('include', where, `Files include each other more than ${maxDepth} deep.`, 'Take the circle out.')
      } else {
        await append(included, where, depth + 1)
      }
    }
  }

  await append(join(root, file), basename(root), 0)
  return new SourceText(lines.join('\n'), origins)
}

/** A file's text, or null with a problem noted. `where`: what asked for it. */
export async function readText(path: string, where: string, shown: string, problems: Problems): Promise<string | null> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.length <= maxFileBytes) return text
    problems.error('file', shown, `It is longer than ${maxFileBytes} bytes.`, 'Shorten it.')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    problems.error('file', where, `${shown} cannot be read (${code}).`, 'Add the file, or correct its name.')
  }
  return null
}

/** A file as problems name it: from the folder that holds the templates. */
export function showPath(root: string, path: string): string {
  return relative(dirname(resolve(root)), path)
}

/** Comments as spaces, so that lines keep their numbers; conditional comments for Outlook stay. */
function withoutComments(text: string): string {
  return text.replace(/<!--(?!\[if|<!)[\s\S]*?-->/g, (comment) => comment.replace(/[^\n]/g, ' '))
}
