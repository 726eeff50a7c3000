import { expect, it } from 'vitest'
import { stop } from '#control/stop.ts'
import { type Attempt, everything, type Gate } from '#ledger/ledger.ts'

const by = { actor: 'tester', reason: 'test' }
const gate: Gate = { scope: everything, state: 'off', epoch: 1, ...by, since: 0 }
const open: Attempt = {
  number: 7,
  messageId: 'message',
  campaign: 'soft-pin',
  worker: { name: 'host:1', host: 'host', pid: 1, incarnation: 'boot 1' },
  askedAt: 0,
  leaseEndsAt: 1,
  outcome: null,
  endedAt: null,
  messageState: 'sending',
}

type Ports = Parameters<typeof stop>[0]

it('counts an attempt once that ends while the receipt is written', async () => {
  const ended: Attempt = { ...open, outcome: 'accepted', endedAt: 1, messageState: 'sent' }
  // The call's answer comes between the two questions for open attempts and for those of the closing.
  const receipt = await stopWith(ended, async () => undefined)
  expect(receipt).toMatchObject({ drained: true, inFlight: 1, escaped: 1, waitingFor: [] })
})

it('still tells its receipt, and names who is open, when nothing can be written off', async () => {
  const receipt = await stopWith(open, async () => Promise.reject(new Error('locked')))
  expect(receipt).toMatchObject({ drained: false, inFlight: 1, waitingFor: [{ number: open.number }] })
})

async function stopWith(byNumber: Attempt, settle: Ports['settle']) {
  const ledger = {
    gates: { close: async () => ({ gate, changed: true, inFlight: [open.number], auditHash: '' }) },
    attempts: { open: async () => [open], byNumber: async () => [byNumber] },
    reports: { countsByCampaign: async () => new Map() },
  }
  const ports = { ledger, settle } as unknown as Ports
  return stop(ports, { by, scope: everything, waitMs: 0 }, new AbortController().signal, () => undefined)
}
