import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { ForewarnError } from '#core/errors.ts'

/**
 * Throws ForewarnError `usage` where a list written to this path would take the place of something else: a database, settings,
 * a campaign. What is there may only be nothing, an empty file, one that begins as lines of JSON do, or no file, such as a pipe.
 */
export function mustBeReplaceable(flag: string, path: string): void {
  const there = statSync(path, { throwIfNoEntry: false })
  if (there?.isFile() !== true || there.size === 0 || beginning(path) === '{') return
  throw new ForewarnError('usage', `${flag} ${path} would overwrite a file that is no such list`, {
    hint: 'name another file, or remove that one first',
  })
}

function beginning(path: string): string {
  const first = Buffer.alloc(1)
  const descriptor = openSync(path, 'r')
  readSync(descriptor, first)
  closeSync(descriptor)
  return first.toString('latin1')
}
