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

it('counts an attempt once that ends while the receipt is written', async () => {
  const ended: Attempt = { ...open, outcome: 'accepted', endedAt: 1, messageState: 'sent' }
  const ports = {
    ledger: {
      gates: { close: async () => ({ gate, changed: true, inFlight: [open.number], auditHash: '' }) },
      // The call's answer comes between these two questions.
      attempts: { open: async () => [open], byNumber: async () => [ended] },
      reports: { countsByCampaign: async () => new Map() },
    },
    settle: async () => undefined,
  } as unknown as Parameters<typeof stop>[0]

  const receipt = await stop(ports, { by, scope: everything, waitMs: 0 }, new AbortController().signal, () => undefined)

  expect(receipt).toMatchObject({ drained: true, inFlight: 1, escaped: 1, waitingFor: [] })
})
