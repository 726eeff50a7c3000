import { isoInstant } from '#core/instant.ts'
import type { Attempt, Gate } from '#ledger/ledger.ts'

/** A gate as JSON shows it. */
export function gateJson({ state, epoch, reason, actor, since }: Gate) {
  return { state, epoch, reason, actor, since: isoInstant(since) }
}

/** A worker that has not ended its attempt, as JSON shows it. */
export function waitingForJson({ worker, askedAt }: Attempt) {
  return { worker: worker.name, pid: worker.pid, host: worker.host.split(' ')[0] ?? '', since: isoInstant(askedAt) }
}
