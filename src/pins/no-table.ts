import type { PinTable } from './pins.ts'

/** A table without PINs that takes none: a dry run needs no ledger. */
export const noTable: PinTable = {
  page: async () => [],
  read: async () => new Map(),
  ofAddress: async () => [],
  ids: async () => [],
  refreshedAt: async () => null,
  upsert: refuse,
  remove: refuse,
  markRefreshed: refuse,
}

async function refuse(): Promise<never> {
  throw new Error('a dry run writes nothing')
}
