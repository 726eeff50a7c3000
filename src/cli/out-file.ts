import { closeSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { ForewarnError } from '#core/errors.ts'
import { mustBeReplaceable } from './replaceable.ts'
import { reasonOf } from './write-reasons.ts'

/** A file that is there whole or not at all. */
export interface OutFile {
  /** Throws ForewarnError `output-unwritable`, as `keep` does. */
  write(line: string): void
  /** Puts it in its place. */
  keep(): void
  /** Leaves nothing behind of one that was not kept. */
  close(): void
}

const bufferCharacters = 65_536

/**
 * Begins a file beside the place where it is to be; what is no file, such as a pipe, is written to as it is. It may hold
 * addresses: for nobody else's eyes. Throws ForewarnError: `output-unwritable`, and `usage` for a file that must not be lost.
 */
export function openOutFile(flag: string, path: string): OutFile {
  mustBeReplaceable(flag, path)
  const there = statSync(path, { throwIfNoEntry: false })
  const isInPlace = there !== undefined && !there.isFile()
  // A link stays one.
  const place = there === undefined ? path : realpathSync(path)
  const beside = `${place}.${process.pid}.tmp`
  const orTell = <T>(act: () => T): T => {
    try {
      return act()
    } catch (error) {
      throw new ForewarnError('output-unwritable', `${flag} ${path} cannot be written: ${reasonOf(error)}`, {
        hint: 'name another file, or see to what is in the way',
        cause: error,
      })
    }
  }
  const file = orTell(() => (isInPlace ? openSync(path, 'w') : openSync(beside, 'wx', 0o600)))
  let buffer = ''
  let kept = isInPlace

  function flush(): void {
    const bytes = Buffer.from(buffer)
    buffer = ''
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written)
  }

  return {
    write(line) {
      buffer += `${line}\n`
      if (buffer.length >= bufferCharacters) orTell(flush)
    },
    keep() {
      orTell(flush)
      if (!kept) orTell(() => renameSync(beside, place))
      kept = true
    },
    close() {
      closeSync(file)
      if (!kept) rmSync(beside, { force: true })
    },
  }
}
