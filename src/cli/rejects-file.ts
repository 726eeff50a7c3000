import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { ForewarnError } from '#core/errors.ts'
import { mustBeReplaceable } from './replaceable.ts'
import { reasonOf } from './write-reasons.ts'

export interface RejectsFile {
  /** Appends one value as a line, whole or not at all. Throws `output-unwritable`. */
  readonly write: (row: unknown) => void
  /** Makes sure that all is on the disk. Throws `output-unwritable`. */
  readonly finish: () => void
  readonly close: () => void
}

/** Standard input, as `input` of `openRejects`. */
export const standardInput = 0

/** A file by its path or descriptor. */
type FileName = string | typeof standardInput

/**
 * Opens the file for rejected rows, and empties it. It holds addresses as they were typed: a new one is for nobody else's eyes.
 * Throws `usage` when it cannot be written, or would take the place of the input or of anything else that is no list of rejected rows.
 */
export function openRejects(file: string, input: FileName): RejectsFile {
  if (isSame(file, input)) {
    throw new ForewarnError('usage', `--rejects ${file} would overwrite the input`, {
      hint: 'Name another file. Nothing was imported.',
    })
  }
  mustBeReplaceable('--rejects', file)
  const descriptor = openForWriting(file)
  const regular = fstatSync(descriptor).isFile()
  if (regular) ftruncateSync(descriptor)
  let wholeBytes = 0

  const unwritable = (error: unknown): ForewarnError => {
    // The beginning of a line may have found room on a disk that was almost full.
    if (regular) ftruncateSync(descriptor, wholeBytes)
    return new ForewarnError('output-unwritable', `--rejects ${file} cannot be written: ${reasonOf(error)}.`, {
      hint: 'Free some space or name another file, then import again.',
      cause: error,
    })
  }
  return {
    write(row) {
      const line = Buffer.from(`${JSON.stringify(row)}\n`)
      try {
        for (let at = 0; at < line.length; ) at += writeSync(descriptor, line, at)
      } catch (error) {
        throw unwritable(error)
      }
      wholeBytes += line.length
    },
    finish() {
      try {
        if (regular) fsyncSync(descriptor)
      } catch (error) {
        throw unwritable(error)
      }
    },
    close: () => closeSync(descriptor),
  }
}

function openForWriting(file: string): number {
  try {
    return openSync(file, constants.O_WRONLY | constants.O_CREAT, 0o600)
  } catch (error) {
    throw new ForewarnError('usage', `--rejects ${file} cannot be written: ${reasonOf(error)}`, {
      hint: 'Nothing was imported.',
      cause: error,
    })
  }
}

/** Also by another name: a link, or a path written otherwise. */
function isSame(file: string, other: FileName): boolean {
  if (typeof other === 'string' && resolve(file) === resolve(other)) return true
  const a = statSync(file, { throwIfNoEntry: false })
  const b = typeof other === 'number' ? fstatSync(other) : statSync(other, { throwIfNoEntry: false })
  return a !== undefined && b !== undefined && a.isFile() && a.dev === b.dev && a.ino === b.ino
}
