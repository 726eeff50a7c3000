/** Why a file could not be written, for a person. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return reasons[code] ?? (error instanceof Error ? error.message : String(error))
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'it became too large',
  EACCES: 'this user may not write it',
  EROFS: 'the disk is read-only',
  EISDIR: 'it is a folder',
  ENOENT: 'its folder does not exist',
}
