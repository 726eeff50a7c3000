import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { ForewarnError } from '#core/errors.ts'

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

/** Begins a file beside the place where it is to be. It may hold addresses: for nobody else's eyes. Throws ForewarnError `output-unwritable`. */
export function openOutFile(flag: string, path: string): OutFile {
  const beside = `${path}.${process.pid}.tmp`
  const orTell = <T>(act: () => T): T => {
    try {
      return act()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new ForewarnError('output-unwritable', `${flag} ${path} cannot be written: ${reason}`, { cause: error })
    }
  }
  const file = orTell(() => openSync(beside, 'wx', 0o600))
  let buffer = ''
  let kept = false

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
      orTell(() => renameSync(beside, path))
      kept = true
    },
    close() {
      closeSync(file)
      if (!kept) rmSync(beside, { force: true })
    },
  }
}
