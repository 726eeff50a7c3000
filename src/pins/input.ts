import type { Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { ForewarnError } from '#core/errors.ts'

/** Where the bytes of an import come from. */
export interface Input {
  /** As messages name it. */
  readonly name: string
  /** Of a file, which can be read more than once; null: a pipe, which cannot, and whose end nobody knows. */
  readonly totalBytes: number | null
  /** All bytes, from the start. A change of the file since it was opened is an error before the end is seen. */
  bytes(): AsyncIterable<Uint8Array>
  close(): Promise<void>
}

/** Opens a file, or takes a stream in its place. It and what it gives throw `input-unreadable`; once aborted, the signal's reason. */
export async function openInput(
  name: string,
  { stream, signal }: { readonly stream?: AsyncIterable<Uint8Array>; readonly signal?: AbortSignal },
): Promise<Input> {
  if (stream !== undefined) {
    return { name, totalBytes: null, bytes: () => readStream(stream, name, signal), close: async () => {} }
  }
  const handle = await openFile(name)
  try {
    const file = new OpenFile(name, handle, await handle.stat(), signal)
    if (file.stat.isDirectory()) throw unreadable(name, `${name} is a folder.`, 'Name one file.')
    return file
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** One handle for all passes: a file that is replaced under its name meanwhile does not matter. */
class OpenFile implements Input {
  readonly name: string
  readonly stat: Stats
  readonly #handle: FileHandle
  readonly #signal: AbortSignal | undefined

  constructor(name: string, handle: FileHandle, stat: Stats, signal: AbortSignal | undefined) {
    this.name = name
    this.stat = stat
    this.#handle = handle
    this.#signal = signal
  }

  get totalBytes(): number | null {
    return this.stat.isFile() ? this.stat.size : null
  }

  async *bytes(): AsyncGenerator<Uint8Array> {
    const { name } = this
    const start = this.totalBytes === null ? {} : { start: 0 }
    const signal = this.#signal === undefined ? {} : { signal: this.#signal }
    const stream = this.#handle.createReadStream({ autoClose: false, ...start, ...signal })
    let bytes = 0
    for await (const chunk of readStream(stream, name, this.#signal)) {
      bytes += chunk.length
      yield chunk
    }
    // Thrown before the end is seen: the last line of such a file may be half a row.
    const after = await this.#handle.stat()
    const { size, mtimeMs } = this.stat
    if (after.isFile() && (bytes !== size || after.size !== size || after.mtimeMs !== mtimeMs)) {
      const sizes = after.size === size ? '' : ` (${size} bytes at first, ${after.size} in the end)`
      const hint = 'Import it again when it is complete.'
      throw unreadable(name, `${name} changed while it was read${sizes}.`, hint)
    }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

async function* readStream(
  stream: AsyncIterable<Uint8Array>,
  name: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* stream
  } catch (cause) {
    signal?.throwIfAborted()
    throw unreadable(name, `${name} could not be read to its end${codeOf(cause)}.`, 'Import it again.', cause)
  }
}

async function openFile(name: string): Promise<FileHandle> {
  try {
    return await open(name)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const [what, hint] = refusals[code] ?? [`cannot be opened${codeOf(cause)}`, 'Check its name and what it is.']
    throw unreadable(name, `${name} ${what}.`, hint, cause)
  }
}

const notAllowed = [
  'may not be read by this user',
  'Check its permissions, and those of the folders above it.',
] as const
const missing = ['does not exist', 'Check its name, and the folder that you are in.'] as const
const refusals: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  ENOENT: missing,
  ENOTDIR: missing,
  EACCES: notAllowed,
  EPERM: notAllowed,
  ENXIO: ['is a socket, which cannot be opened by name', 'For standard input give - as the file.'],
}

function unreadable(name: string, message: string, hint: string, cause?: unknown): ForewarnError {
  return new ForewarnError('input-unreadable', message, { path: `${name}:1:1`, hint, cause })
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
}
