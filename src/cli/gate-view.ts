import { isoInstant } from '#core/instant.ts'
import { type Attempt, everything, type Gate } from '#ledger/ledger.ts'
import { secondText } from './instants.ts'
import { type Globals, paint, visible } from './output.ts'

/** A gate as JSON shows it. */
export function gateJson({ state, epoch, reason, actor, since }: Gate) {
  return { state, epoch, reason, actor, since: isoInstant(since) }
}

/** A worker that has not ended its attempt, as JSON shows it. */
export function waitingForJson({ worker, askedAt }: Attempt) {
  return { worker: worker.name, pid: worker.pid, host: worker.host.split(' ')[0] ?? '', since: isoInstant(askedAt) }
}

/** The first line of all that concerns the gate of everything, always in these words. */
export function headline(globals: Globals, { state }: Pick<Gate, 'state'>): string {
  return state === 'off' ? paint(globals, 'red', 'SENDING IS STOPPED') : paint(globals, 'green', 'SENDING IS ALLOWED')
}

/** Since when a gate is as it is, by whom and why; nothing of one that nobody has touched. */
export function sinceFacts(gate: Gate): [name: string, value: string][] {
  if (gate.epoch === 0 && gate.scope === everything) return []
  return [
    ['since', `${secondText(gate.since)} by ${visible(gate.actor)}`],
    ['reason', visible(gate.reason)],
  ]
}
