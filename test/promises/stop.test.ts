import { open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Faults } from '#inbox/faults.ts'
import { expectAtMostOnce, sendingCalls } from './harness/books.ts'
import { type CredentialsDesk, openCredentialsDesk } from './harness/credentials-desk.ts'
import { documentOf, type Ended } from './harness/forewarn.ts'
import { daysAfter, pinRows } from './harness/pin-rows.ts'
import { chance } from './harness/seed.ts'
import { newSite, type RunDocument, runOnce, type Site } from './harness/site.ts'
import { onEveryStack } from './harness/stacks.ts'

const now = '2027-03-01T12:00:00Z'
const later = '2027-03-01T13:00:00Z'
const expires_at = daysAfter(now, 6)

onEveryStack('P2: stop means stop', (stack) => {
  it('stops a run in its middle: waits for the calls that had begun, and lets no other begin until it is told to', async () => {
    const site = await newSite(stack, { pins: pinRows(12, { expires_at }), settings: { mail: { concurrency: 5 } } })
    const held = site.inbox.holdCalls()
    const running = site.start(['run', '--once', '--at', now])
    await site.inbox.waitFor(() => held.waiting.length === 5)

    const hurried = await switchOff(site, '--wait', '0', '--reason', 'first')

    expect(hurried).toMatchObject({ code: 4, receipt: { drained: false, inFlight: 5, escaped: 0, held: 7 } })
    expect(hurried.receipt.waitingFor.map(({ pid }) => pid)).toEqual(Array(5).fill(running.pid))
    expect(hurried.receipt.waitingFor[0]?.worker).toContain(String(running.pid))
    expectToAddUp(hurried.receipt)

    held.release()
    const run = await running.ended
    const drained = await switchOff(site, '--reason', 'second')

    expect(documentOf<RunDocument>(run)).toMatchObject({ messages: { sent: 5, pending: 7 }, waiting: { gate: 7 } })
    expect(drained).toMatchObject({
      code: 0,
      receipt: { drained: true, inFlight: 5, escaped: 5, waitingFor: [], held: 7, heldByCampaign: { 'soft-pin': 7 } },
    })
    expectToAddUp(drained.receipt)
    expect(drained.receipt.gate).toEqual(hurried.receipt.gate)
    expect(drained.receipt.gate).toMatchObject({ state: 'off', reason: 'first', actor: 'tester' })
    expect(drained.receipt.auditHash).toBe(hurried.receipt.auditHash)
    expect(sendingCalls(site.inbox)).toHaveLength(5)

    const calls = site.inbox.calls.begun
    expect(await runOnce(site, now)).toMatchObject({ code: 3, run: { refused: 'gate' } })
    expect(await site.forewarn(['switch', 'on', '--reason', 'over'])).toMatchObject({ code: 3 })
    expect(await site.forewarn(['switch', 'on', '--dry-run'])).toMatchObject({ code: 0 })
    expect(documentOf(await site.forewarn(['switch', 'status']))).toMatchObject({ gate: { state: 'off' } })
    expect(site.inbox.calls.begun).toBe(calls)

    const resumed = await site.forewarn(['switch', 'on', '--reason', 'over', '--yes'])
    expect(documentOf(resumed)).toMatchObject({ gate: { state: 'on', reason: 'over' }, plan: { held: 7, burst: 7 } })
    expect(await runOnce(site, later)).toMatchObject({ code: 0, run: { messages: { sent: 7, pending: 0 } } })
    expectAtMostOnce(site.inbox, await site.messages())
  })

  it('lets no call begin after a receipt that says drained, at whatever moment it comes', async () => {
    const { between } = chance('stopped at any moment')
    const pins = pinRows(60, { expires_at })
    const faults: Faults = { seed: between(1, 1_000_000), faults: [{ fault: 'latency', ms: [0, 80] }] }
    const mail = { rate: { perSecond: 40, reserve: 0.1 } }
    const site = await newSite(stack, { pins, inbox: { faults }, settings: { mail } })
    const running = site.start(['run', '--once', '--at', now])
    const calls = between(2, 20)
    await site.inbox.waitFor(() => sendingCalls(site.inbox).length >= calls)

    const { code, receipt } = await switchOff(site)
    const begun = site.inbox.calls.begun
    const { accepted } = site.inbox.calls
    const run = documentOf<RunDocument>(await running.ended)

    expect({ code, drained: receipt.drained }).toEqual({ code: 0, drained: true })
    expectToAddUp(receipt)
    expect(receipt.inDoubt).toBe(0)
    expect(site.inbox.calls.begun).toBe(begun)
    expect(run.messages).toMatchObject({ sent: accepted, pending: pins.length - accepted })
    expect(receipt.held).toBe(pins.length - accepted)
  })

  it('stops one campaign in the middle of a run, and no other', async () => {
    const site = await newSite(stack, {
      pins: [
        ...pinRows(8, { expires_at, kind: 'a' }).map((row) => ({ ...row, pin_id: `a-${row.pin_id}` })),
        ...pinRows(8, { expires_at, kind: 'b' }).map((row) => ({ ...row, pin_id: `b-${row.pin_id}` })),
      ],
      campaigns: ['a', 'b'].map((kind) => ({ key: `of-${kind}`, pins: { kind } })),
      settings: { mail: { concurrency: 5 } },
    })
    const held = site.inbox.holdCalls()
    const running = site.start(['run', '--once', '--at', now])
    await site.inbox.waitFor(() => held.waiting.length === 5)

    expect(await site.forewarn(['campaign', 'disable', 'of-a', '--reason', 'test'])).toMatchObject({ code: 0 })
    const claimed = held.waiting.filter((call) => campaignOf(call) === 'of-a').length
    held.release()
    const run = documentOf<RunDocument>(await running.ended)

    expect(sendingCalls(site.inbox).filter((call) => campaignOf(call) === 'of-a')).toHaveLength(claimed)
    expect(sendingCalls(site.inbox).filter((call) => campaignOf(call) === 'of-b')).toHaveLength(8)
    expect(run).toMatchObject({ messages: { sent: 8 + claimed }, waiting: { 'campaign-off': 8 - claimed } })
  })

  it('names a frozen process that has claimed, and that process does not call when it wakes', async () => {
    const site = await newSite(stack, { pins: pinRows(1, { expires_at }) })
    const desk = await openCredentialsDesk(site.folder)
    const running = site.start(['run', '--once', '--at', now], desk.variables)
    await untilClaimed(site, desk)

    running.kill('SIGSTOP')
    const frozen = await switchOff(site, '--wait', '3')
    desk.open()

    expect(frozen).toMatchObject({ code: 4, receipt: { drained: false, inFlight: 1 } })
    expect(frozen.receipt.waitingFor).toMatchObject([{ pid: running.pid }])
    expectToAddUp(frozen.receipt)

    running.kill('SIGCONT')
    await running.ended
    const drained = await switchOff(site)

    expect(drained).toMatchObject({ code: 0, receipt: { drained: true, inFlight: 1, returned: 1, held: 1 } })
    expectToAddUp(drained.receipt)
    expect(sendingCalls(site.inbox)).toEqual([])
  })

  it('writes off the calls of a killed process at once, since it is proven gone', async () => {
    const site = await newSite(stack, { pins: pinRows(3, { expires_at }) })
    const held = site.inbox.holdCalls()
    const running = site.start(['run', '--once', '--at', now])
    await site.inbox.waitFor(() => held.waiting.length === 3)
    running.kill('SIGKILL')
    await running.ended

    const { code, receipt } = await switchOff(site)

    expect(code).toBe(0)
    expect(receipt).toMatchObject({ drained: true, inFlight: 3, inDoubt: 3, waitingFor: [], held: 0 })
    expectToAddUp(receipt)
  })

  it('stops whatever is wrong with settings, campaigns and templates', async () => {
    const site = await newSite(stack, { pins: [] })
    const { database } = stack.settingsIn(site.folder)
    const on = () => site.forewarn(['switch', 'on', '--reason', 'test', '--yes'])
    await writeFile(join(site.folder, 'campaigns', 'soft-pin.yaml'), 'key: [')
    const sound = await readFile(site.settingsFile, 'utf8')

    const broken = {
      'not YAML': `database: ${database}\nmail: {{{\n\t- x`,
      'unknown keys': `${sound}\nmial: { form: x }\nfoo: 1\n`,
      'wrong values': `database: ${database}\nmail: { timeoutMs: soon, from: 7 }\nlog: loud\n`,
      'nothing but the ledger': `database: ${database}\n`,
    }
    for (const [what, text] of Object.entries(broken)) {
      await writeFile(site.settingsFile, text)
      const { code, receipt } = await switchOff(site)
      expect({ what, code, drained: receipt.drained }).toEqual({ what, code: 0, drained: true })
      await writeFile(site.settingsFile, sound)
      expect((await runOnce(site, now)).code, what).toBe(3)
      expect(await on()).toMatchObject({ code: 0 })
    }
  })
})

onEveryStack('P2: a stop that cannot reach the ledger', (stack) => {
  it('says NOT STOPPED and fails when the ledger is missing, no ledger, or cannot be written', async () => {
    const site = await newSite(stack, { pins: [] })
    const ledger = join(site.folder, 'forewarn.db')

    const readOnly = await open(ledger, 'r+')
    // Byte 18 of a SQLite file: a write version that nobody knows makes it read-only, even to root.
    await readOnly.write(Buffer.from([3]), 0, 1, 18)
    await readOnly.close()
    expectNotStopped(await site.forewarn(['switch', 'off']))

    await writeFile(ledger, 'this is no ledger\n'.repeat(100))
    expectNotStopped(await site.forewarn(['switch', 'off']))

    await rm(ledger)
    expectNotStopped(await site.forewarn(['switch', 'off']))
    expectNotStopped(await site.forewarn(['stop']))
  })
})

/** What `switch off` prints. */
interface ReceiptDocument {
  readonly gate: { readonly state: string; readonly reason: string; readonly actor: string }
  readonly drained: boolean
  readonly inFlight: number
  readonly escaped: number
  readonly returned: number
  readonly failed: number
  readonly inDoubt: number
  readonly waitingFor: readonly { readonly worker: string; readonly pid: number }[]
  readonly held: number
  readonly auditHash: string
}

async function switchOff(site: Site, ...more: string[]): Promise<{ code: number | null; receipt: ReceiptDocument }> {
  const end = await site.forewarn(['switch', 'off', ...more])
  return { code: end.code, receipt: documentOf(end) }
}

/** Waits until somebody asks for credentials with a claim made: those who ask before it want to know SES's quota. */
async function untilClaimed(site: Site, desk: CredentialsDesk): Promise<void> {
  for (;;) {
    await desk.asked()
    const { openAttempts } = documentOf<{ openAttempts: number }>(await site.forewarn(['switch', 'status']))
    if (openAttempts > 0) return
    desk.turnAway()
  }
}

function expectToAddUp({ inFlight, escaped, returned, failed, inDoubt, waitingFor }: ReceiptDocument): void {
  expect(escaped + returned + failed + inDoubt + waitingFor.length, 'the receipt adds up').toBe(inFlight)
}

function expectNotStopped({ code, stdout, stderr }: Ended): void {
  expect(code, stdout + stderr).toBe(1)
  expect(documentOf({ code, signal: null, stdout, stderr })).toMatchObject({
    error: {
      code: 'not-stopped',
      message: expect.stringContaining('NOT STOPPED'),
      hint: expect.stringContaining('--ses'),
    },
  })
}

function campaignOf({ tags }: { readonly tags: readonly { readonly name: string; readonly value: string }[] }) {
  return tags.find(({ name }) => name === 'campaign')?.value
}
