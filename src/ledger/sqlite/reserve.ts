import { randomBytes } from 'node:crypto'
import { existsSync, rmSync, writeFileSync } from 'node:fs'

/** Many times what closing a gate writes: whoever else waits for room on a full disk takes some of it. */
const reserveBytes = 1024 * 1024

/**
 * Puts a file beside the ledger whose only use is to be deleted: a full disk is a likely reason for a stop, and a stop must be
 * written. A disk without room for it gets none.
 */
export function keepReserve(file: string): void {
  const reserve = reserveOf(file)
  if (existsSync(reserve)) return
  try {
    // Random, since some file systems keep no blocks for what they can compress.
    writeFileSync(reserve, randomBytes(reserveBytes), { flag: 'wx' })
  } catch {
    spendReserve(file)
  }
}

/** Gives the room back to the disk; false when there is none to give. The next start keeps a new one. */
export function spendReserve(file: string): boolean {
  const reserve = reserveOf(file)
  if (!existsSync(reserve)) return false
  try {
    rmSync(reserve)
    return true
  } catch {
    return false
  }
}

function reserveOf(file: string): string {
  return `${file}-reserve`
}
