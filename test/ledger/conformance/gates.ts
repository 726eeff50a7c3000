import { expect, it } from 'vitest'
import { everything } from '#ledger/ledger.ts'
import { addAttempt, ops, seedPending } from '../fixtures.ts'
import type { LedgerHarness } from '../harness.ts'
import { describeLedger } from './describe-ledger.ts'

export function gatesConformance(harness: LedgerHarness): void {
  describeLedger('gates', harness, (current) => {
    it('lets a new ledger send: the global gate is on, with epoch 0, and no campaign has a gate', async () => {
      const { gates } = current().ledger
      expect(await gates.list()).toMatchObject([{ scope: everything, state: 'on', epoch: 0 }])
      expect(await gates.read('soft-pin')).toBeNull()
    })

    it('closes with who, why, when and a new epoch, in database time, for every handle', async () => {
      const test = current()
      test.shiftDatabaseTime(3_600_000)
      const before = await test.ledger.databaseNow()
      const closing = await test.ledger.gates.close(everything, { actor: 'ada', reason: 'codes are late' })

      expect(closing.changed).toBe(true)
      expect(closing.gate).toMatchObject({ state: 'off', epoch: 1, actor: 'ada', reason: 'codes are late' })
      expect(closing.gate.since).toBeGreaterThanOrEqual(before)
      const other = await test.reopen()
      expect(await other.ledger.gates.read(everything)).toEqual(closing.gate)
    })

    it('writes each change into the audit, with the gate before and after', async () => {
      const { gates, audit } = current().ledger
      const { auditHash } = await gates.close(everything, ops)
      await gates.open(everything, { actor: 'ada', reason: 'all is well' }, null)

      const [opened, closed] = await audit.list(2)
      expect(closed).toMatchObject({ action: 'gate.close', subject: everything, actor: 'ops', hash: auditHash })
      expect(opened).toMatchObject({ action: 'gate.open', actor: 'ada', reason: 'all is well' })
      expect(JSON.parse(opened?.before ?? '')).toMatchObject({ state: 'off', epoch: 1 })
      expect(JSON.parse(opened?.after ?? '')).toMatchObject({ state: 'on', epoch: 2 })
      expect(await audit.verify()).toMatchObject({ intact: true })
    })

    it('tells which attempts were open at the closing, and tells the same when closed again', async () => {
      const test = current()
      const [first = '', second = ''] = await seedPending(test.ledger, 2)
      const open = [await addAttempt(test, first), await addAttempt(test, second)]
      await addAttempt(test, first, { ended: true })

      const closing = await test.ledger.gates.close(everything, ops)
      expect(closing.inFlight).toEqual(open)

      await test.tamper(`update attempt set ended_at = 1, outcome = 'accepted'`)
      await test.ledger.audit.append({ by: ops, action: 'message.settle', subject: first })
      const again = await test.ledger.gates.close(everything, { actor: 'bob', reason: 'me too' })
      expect(again).toEqual({ ...closing, changed: false })
      expect((await test.ledger.audit.list(1))[0]?.action).toBe('message.settle')
    })

    it('counts only its own attempts as in flight when a campaign is closed', async () => {
      const test = current()
      const [ours = ''] = await seedPending(test.ledger, 1, { campaign: 'ours' })
      const [theirs = ''] = await seedPending(test.ledger, 1, { campaign: 'theirs' })
      const open = await addAttempt(test, ours)
      await addAttempt(test, theirs)

      expect((await test.ledger.gates.close('ours', ops)).inFlight).toEqual([open])
      expect(await test.ledger.gates.read('theirs')).toMatchObject({ state: 'on' })
      expect(await test.ledger.gates.read(everything)).toMatchObject({ state: 'on' })
    })

    it('closes a campaign that never had a gate', async () => {
      const { gates } = current().ledger
      const closing = await gates.close('unheard-of', ops)
      expect(closing).toMatchObject({ changed: true, inFlight: [], gate: { state: 'off', epoch: 0 } })
      expect(await gates.close('unheard-of', ops)).toEqual({ ...closing, changed: false })
    })

    it('tells the receipt of the present closing, not of an earlier one', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      await addAttempt(test, id)
      await test.ledger.gates.close(everything, ops)
      await test.ledger.gates.open(everything, ops, null)
      await test.tamper('update attempt set ended_at = 1')
      const second = await test.ledger.gates.close(everything, ops)
      expect(second.inFlight).toEqual([])
      expect(await test.ledger.gates.close(everything, ops)).toEqual({ ...second, changed: false })
    })

    it('writes the ramp with the opening, in database time', async () => {
      const test = current()
      await test.ledger.gates.close(everything, ops)
      test.shiftDatabaseTime(7_200_000)
      const gate = await test.ledger.gates.open(everything, ops, { factor: 0.1, forMs: 300_000 })
      const [row] = await test.look('select resume_ramp from pace')
      expect(JSON.parse(String(row?.resume_ramp))).toEqual({
        factor: 0.1,
        fromAt: gate.since,
        untilAt: gate.since + 300_000,
      })
    })

    it('leaves an open gate as it is', async () => {
      const { gates, audit } = current().ledger
      const before = await gates.read(everything)
      expect(await gates.open(everything, ops, { factor: 0.1, forMs: 1000 })).toEqual(before)
      expect((await audit.list(10)).map((entry) => entry.action)).toEqual(['ledger.create'])
    })

    it('opens anew a gate that was opened for claims of another version', async () => {
      const test = current()
      await test.tamper('update gate set claim_protocol = claim_protocol + 1')
      expect(await test.ledger.gates.open(everything, ops, null)).toMatchObject({ state: 'on', epoch: 1 })
      expect(await test.look('select claim_protocol from gate')).toEqual([{ claim_protocol: 1 }])
    })

    it('lists the global gate first, then the campaigns by key', async () => {
      const { gates } = current().ledger
      await gates.close('b', ops)
      await gates.open('!', ops, null)
      await gates.close('a', ops)
      expect((await gates.list()).map((gate) => gate.scope)).toEqual([everything, '!', 'a', 'b'])
    })

    it('closes on a ledger of another version: other tables gone, columns more or fewer', async () => {
      const test = current()
      const [id = ''] = await seedPending(test.ledger, 1)
      const open = await addAttempt(test, id)
      await test.tamper(`
        drop table meta; drop table pin; drop table reminder; drop table cap; drop table pace; drop table lease;
        drop table scan; drop table edition; drop table enabled; drop table message;
        create table message (id text primary key, campaign text not null, state text not null);
        insert into message values ('${id}', 'soft-pin', 'sending');
        alter table audit add column witness text;
        alter table attempt add column region text`)

      const { ledger } = await test.reopen('as-is')
      expect(await ledger.gates.close('soft-pin', ops)).toMatchObject({ changed: true, inFlight: [open] })
      expect(await ledger.gates.close(everything, ops)).toMatchObject({ changed: true, inFlight: [open] })
      expect((await ledger.gates.list()).map((gate) => gate.state)).toEqual(['off', 'off'])
      expect(await ledger.audit.verify()).toMatchObject({ intact: true })
    })

    it('is closed also when the answer to its commit was lost', async () => {
      const test = current()
      test.loseNextCommitAnswer()
      const closing = await test.ledger.gates.close(everything, ops)
      expect(closing.gate).toMatchObject({ state: 'off', epoch: 1 })
      expect((await test.ledger.audit.list(1))[0]?.hash).toBe(closing.auditHash)
    })

    it('is closed once when many close it at the same time', async () => {
      const test = current()
      const other = await test.reopen()
      const closings = await Promise.all(
        [test, other, test, other].map(({ ledger }) => ledger.gates.close(everything, ops)),
      )
      expect(closings.filter((closing) => closing.changed)).toHaveLength(1)
      expect(new Set(closings.map((closing) => closing.auditHash)).size).toBe(1)
    })
  })
}
