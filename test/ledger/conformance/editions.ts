import { expect, it } from 'vitest'
import { editionOf, ops } from '../fixtures.ts'
import type { LedgerHarness } from '../harness.ts'
import { describeLedger } from './describe-ledger.ts'

export function editionsConformance(harness: LedgerHarness): void {
  describeLedger('editions', harness, (current) => {
    it('has none before a campaign is enabled', async () => {
      const { editions } = current().ledger
      expect(await editions.current('soft-pin')).toBeNull()
      expect(await editions.byHash('none')).toBeNull()
      expect(await editions.all()).toEqual([])
    })

    it('keeps campaign and template word for word, and opens the gate', async () => {
      const { editions, gates } = current().ledger
      const edition = editionOf('soft-pin', 'Ihre PIN „läuft ab“ — 你的 PIN')
      const gate = await editions.enable(edition, ops)

      expect(gate).toMatchObject({ scope: 'soft-pin', state: 'on', actor: 'ops', reason: 'a test' })
      expect(await gates.read('soft-pin')).toEqual(gate)
      expect(await editions.current('soft-pin')).toEqual(edition)
      expect(await editions.byHash(edition.hash)).toEqual(edition)
    })

    it('keeps earlier editions, and tells the last of each campaign', async () => {
      const { editions } = current().ledger
      const [first, second, other] = [editionOf('b', 'one'), editionOf('b', 'two'), editionOf('a')]
      for (const edition of [first, second, other]) await editions.enable(edition, ops)

      expect(await editions.current('b')).toEqual(second)
      expect(await editions.all()).toEqual([other, second])
      expect(await editions.byHash(first.hash)).toEqual(first)
    })

    it('numbers every enabling, also of the same edition, and after a stop', async () => {
      const { editions, gates } = current().ledger
      const edition = editionOf('soft-pin')
      expect(await editions.enable(edition, ops)).toMatchObject({ epoch: 0 })
      expect(await editions.enable(edition, ops)).toMatchObject({ epoch: 1 })
      await gates.close('soft-pin', ops)
      expect(await editions.current('soft-pin')).toEqual(edition)
      expect(await editions.enable(edition, ops)).toMatchObject({ epoch: 3, state: 'on' })
    })

    it('leaves the global stop as it is', async () => {
      const { editions, gates } = current().ledger
      await gates.close('*', ops)
      await editions.enable(editionOf('soft-pin'), ops)
      expect(await gates.read('*')).toMatchObject({ state: 'off' })
    })

    it('writes gate and edition, before and after, into the audit', async () => {
      const { editions, audit } = current().ledger
      const [first, second] = [editionOf('soft-pin', 'one'), editionOf('soft-pin', 'two')]
      await editions.enable(first, ops)
      await editions.enable(second, { actor: 'ada', reason: 'better words' })

      const [entry] = await audit.list(1)
      expect(entry).toMatchObject({
        action: 'campaign.enable',
        subject: 'soft-pin',
        actor: 'ada',
        reason: 'better words',
      })
      expect(JSON.parse(entry?.before ?? '')).toMatchObject({ edition: first.hash, gate: { epoch: 0 } })
      expect(JSON.parse(entry?.after ?? '')).toMatchObject({ edition: second.hash, gate: { epoch: 1 } })
    })

    it('changes nothing when one part of the enabling fails', async () => {
      const test = current()
      await test.tamper('alter table audit rename to lost')
      await expect(test.ledger.editions.enable(editionOf('soft-pin'), ops)).rejects.toThrow()
      await test.tamper('alter table lost rename to audit')

      expect(await test.ledger.gates.read('soft-pin')).toBeNull()
      expect(await test.ledger.editions.current('soft-pin')).toBeNull()
      expect(await test.look('select * from edition')).toEqual([])
    })
  })
}
