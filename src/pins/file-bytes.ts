import { type FileHandle, open } from 'node:fs/promises'
import { ForewarnError } from '#core/errors.ts'

/** The bytes of a file, of which a change while it is read is an error. Throws `input-unreadable`. */
export async function* readFileBytes(file: string): AsyncGenerator<Uint8Array> {
  const handle = await openFile(file)
  try {
    const before = await handle.stat()
    if (before.isDirectory()) throw unreadable(file, `${file} is a folder.`, 'Name one file.')
    let bytes = 0
    for await (const chunk of readStreamBytes(handle.createReadStream({ autoClose: false }), file)) {
      bytes += chunk.length
      yield chunk
    }
    // Thrown before the end is seen: the last line of such a file may be half a row.
    const after = await handle.stat()
    if (after.isFile() && (bytes !== after.size || after.mtimeMs !== before.mtimeMs)) {
      throw unreadable(file, `${file} changed while it was read.`, 'Import it again when it is complete.')
    }
  } finally {
    await handle.close()
  }
}

/** The bytes of a stream, whose errors are given as `input-unreadable`. */
export async function* readStreamBytes(stream: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* stream
  } catch (cause) {
    throw unreadable(file, `${file} could not be read to its end${codeOf(cause)}.`, 'Import it again.', cause)
  }
}

async function openFile(file: string): Promise<FileHandle> {
  try {
    return await open(file)
  } catch (cause) {
    const hint = 'Check its name and that it may be read.'
    throw unreadable(file, `${file} cannot be opened${codeOf(cause)}.`, hint, cause)
  }
}

function unreadable(file: string, message: string, hint: string, cause?: unknown): ForewarnError {
  return new ForewarnError('input-unreadable', message, { path: `${file}:1:1`, hint, cause })
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
}
