import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import * as contract from './contract.ts'
import { csv, openShop, type Shop } from './shop.ts'

// One installation from its first import to its last stop; each step builds on those before it.

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())

async function expectJson<T>(schema: z.ZodType<T>, exit: number, ...args: string[]): Promise<T> {
  const { code, document, stderr } = await shop.json(...args)
  expect(code, stderr).toBe(exit)
  for (const line of stderr.split('\n').filter(Boolean)) expect(() => JSON.parse(line), line).not.toThrow()
  return schema.parse(document)
}

describe('bringing in PINs', () => {
  it('takes good rows, names bad ones, and ends with 4', async () => {
    const good = csv([
      ['PIN-1', 'ann@example.com', 5],
      ['PIN-2', 'bob@example.com', 20],
      ['PIN-3', 'cyd@example.com', 90],
    ])
    const file = await shop.write(
      'pins.csv',
      `${good}PIN-4,two@@example.com,2027-01-01T00:00:00Z\nPIN-5,"a\u001b[2J@b.c",never\n`,
    )
    const rejects = join(shop.folder, 'rejects.ndjson')
    const report = await expectJson(contract.pinsImport, 4, 'pins', 'import', file, '--rejects', rejects)
    expect(report).toMatchObject({
      read: 5,
      accepted: 3,
      rejectedTotal: 2,
      rejected: [{ line: 5, column: 'email' }, {}],
    })
    const written = readFileSync(rejects, 'utf8').trimEnd().split('\n')
    expect(written.map((line) => JSON.parse(line))).toEqual(report.rejected)

    const { stdout, code } = await shop.run('pins', 'import', file, '--dry-run')
    expect(code).toBe(4)
    expect(stdout).toContain('5 rows read, 3 would be accepted, 2 rejected')
    expect(stdout, 'nothing that a terminal obeys').not.toContain('\u001b')
    expect(stdout).toContain('a\\u{1b}[2J@b.c')
  })

  it('ends with 2 when nothing can be read', async () => {
    expect((await expectJson(contract.failure, 2, 'pins', 'import', 'nowhere.csv')).error.code).toBe('input-unreadable')
  })
})

describe('a campaign', () => {
  it('is off until somebody enables it, and nothing is sent', async () => {
    const { campaigns } = await expectJson(contract.campaigns, 0, 'campaign', 'list')
    expect(campaigns).toMatchObject([{ key: 'soft-pin', own: 'off', effective: 'off', template: 'soft-pin' }])
    const run = await expectJson(contract.run, 0, 'run', '--once', '--campaign', 'soft-pin')
    expect(run).toMatchObject({ scanned: {}, messages: { sent: 0, pending: 0 } })
    expect((await shop.run('run', '--once')).stdout).toContain('forewarn campaign enable')
  })

  it('must be known', async () => {
    for (const args of [
      ['run', '--once', '--campaign', 'sotf-pin'],
      ['campaign', 'show', 'sotf-pin'],
      ['campaign', 'enable', 'sotf-pin', '--reason', 'a slip'],
      ['campaign', 'disable', 'sotf-pin'],
    ]) {
      expect((await expectJson(contract.failure, 2, ...args)).error.code).toBe('campaign-unknown')
    }
  })

  it('is enabled with a reason', async () => {
    const { campaigns } = await expectJson(contract.campaigns, 0, 'campaign', 'enable', 'soft-pin', '--reason', 'go')
    expect(campaigns).toMatchObject([{ own: 'on', effective: 'on', gate: { reason: 'go', actor: 'tester' } }])
  })
})

describe('a run', () => {
  it('ends with 4 when a mail is refused, and tells what became of all', async () => {
    shop.inbox.faults.replace({ faults: [{ fault: 'reject', when: { to: 'bob@example.com' } }] })
    const run = await expectJson(contract.run, 4, 'run', '--once')
    expect(run).toMatchObject({
      scanned: { 'soft-pin': { examined: 2, planned: 2 } },
      messages: { sent: 1, failed: 1, skipped: 0, inDoubt: 0, pending: 0 },
      reminders: { sent: 1, failed: 1, skipped: { superseded: 2 } },
      waiting: {},
    })
    expect(shop.inbox.mails.list().map(({ to }) => to)).toEqual([['ann@example.com']])
  })
})

describe('asking how things stand', () => {
  it('has one document each', async () => {
    const status = await expectJson(contract.status, 0, 'status')
    expect(status).toMatchObject({
      gate: { state: 'on' },
      campaigns: [{ key: 'soft-pin', own: 'on', edited: false, sent: 1, failed: 1 }],
      scans: [{ campaign: 'soft-pin', examined: 2 }],
      queue: { backend: 'embedded', waiting: 0, active: 0 },
    })
    expect(await expectJson(contract.switchStatus, 0, 'switch', 'status')).toMatchObject({ openAttempts: 0 })
    const { settings } = await expectJson(contract.configCheck, 0, 'config', 'check')
    expect(settings).toContainEqual({
      key: 'web.port',
      value: '0',
      origin: `file ${shop.folder}/config/forewarn.yaml:6`,
    })
  })

  it('takes global options before and after the command', async () => {
    const { stdout } = await shop.run(
      '--json',
      '--config',
      'config/forewarn.yaml',
      'messages',
      '--no-color',
      'list',
      '--limit',
      '1',
    )
    expect(contract.messagesList.parse(JSON.parse(stdout))).toMatchObject({ messages: [{}], truncated: true })
  })

  it('lists messages by state, and shows what one said', async () => {
    const { messages } = await expectJson(contract.messagesList, 0, 'messages', 'list', '--state', 'sent')
    expect(messages).toMatchObject([{ campaign: 'soft-pin', stage: '7d', state: 'sent', attempts: 1 }])
    const reference = messages[0]?.reference ?? ''
    const { stdout } = await shop.run('messages', 'show', reference.toLowerCase(), '--text')
    expect(stdout).toContain(reference)
    expect((await expectJson(contract.failure, 1, 'messages', 'show', 'nothing')).error.code).toBe('not-found')
  })

  it('explains a PIN, a person and a mail', async () => {
    const ofPin = await expectJson(contract.explain, 0, 'explain', 'PIN-1')
    expect(ofPin.subject).toBe('PIN-1')
    expect(ofPin.events.map(({ what, stage, reason }) => [what, stage, reason])).toEqual([
      ['planned', '7d', null],
      ['skipped', expect.stringMatching(/^(30|14)d$/), 'superseded'],
      ['skipped', expect.stringMatching(/^(30|14)d$/), 'superseded'],
      ['assembled', '7d', null],
      ['sent', '7d', null],
      ['next', '1d', null],
    ])
    expect(ofPin.pins).toMatchObject([{ pinId: 'PIN-1', status: 'active' }])
    expect((await shop.run('explain', 'PIN-1')).stdout).toMatch(/^About PIN PIN-1\n {2}PIN PIN-1 {2}in use, expires /)
    const ofPerson = await expectJson(contract.explain, 0, 'explain', 'Bob@Example.com')
    const failed = ofPerson.events.find(({ what }) => what === 'failed')
    expect(failed).toMatchObject({
      stage: '30d',
      pinId: 'PIN-2',
      reason: 'MessageRejected',
    })
    const reference = failed?.reference ?? ''
    const ofMail = await expectJson(contract.explain, 0, 'explain', reference.replaceAll('-', ' '))
    expect(ofMail.events.map(({ what }) => what)).toEqual(['planned', 'assembled', 'failed', 'next'])
    const early = await expectJson(contract.explain, 0, 'explain', 'PIN-3')
    expect(early.events.map(({ what, stage }) => [what, stage])).toEqual([['next', '30d']])
  })

  it('says what was looked for when nothing is known of it, but repeats no address', async () => {
    const { error } = await expectJson(contract.failure, 1, 'explain', 'PIN-9')
    expect(error).toMatchObject({ code: 'not-found', message: expect.stringContaining('PIN-9') })
    const { code, stdout, stderr } = await shop.run('explain', 'nobody@example.com')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).not.toContain('nobody@')
  })
})

describe('silencing an address', () => {
  it('takes a reason, is told to whom it is done, and can be taken back', async () => {
    expect((await expectJson(contract.failure, 2, 'suppress', 'add', 'ann@example.com')).error.hint).toContain(
      '--reason',
    )
    const notOne = await expectJson(contract.failure, 2, 'suppress', 'add', 'a@b.example, c@d.example', '--reason', 'x')
    expect(notOne.error.message).toContain('space')
    const add = ['suppress', 'add', 'Ann@Example.com', '--reason', 'asked us to'] as const
    expect(await expectJson(contract.suppressChange, 0, ...add)).toEqual({
      email: 'Ann@example.com',
      suppressed: true,
      changed: true,
    })
    expect(await expectJson(contract.suppressChange, 0, ...add)).toMatchObject({ changed: false })
    const { suppressions } = await expectJson(contract.suppressList, 0, 'suppress', 'list')
    expect(suppressions).toMatchObject([{ email: 'Ann@example.com', reason: 'asked us to', actor: 'tester' }])
    const remove = ['suppress', 'remove', 'ann@example.com', '--reason', 'asked again'] as const
    expect(await expectJson(contract.suppressChange, 0, ...remove)).toMatchObject({ suppressed: false, changed: true })
    expect((await shop.run('suppress', 'list')).stdout).toBe('No address is silenced.\n')
  })
})

describe('stopping and starting again', () => {
  it('stops without a reason, whatever --wait says, and says so first', async () => {
    const { code, stdout } = await shop.run('switch', 'off', '--wait', 'soon')
    expect(code).toBe(0)
    expect(stdout.split('\n').slice(0, 2)).toEqual(['SENDING IS STOPPED', `  ledger     file:${shop.ledgerFile}`])
    expect(stdout).toContain('drained    yes')
    const again = await expectJson(contract.switchOff, 0, 'stop', '--reason', 'twice')
    expect(again).toMatchObject({
      gate: { state: 'off', reason: 'not given', actor: 'tester' },
      drained: true,
      inFlight: 0,
    })
  })

  it('refuses to run while all is stopped', async () => {
    const at = '2026-01-05T10:00:00Z'
    const run = await expectJson(contract.runRefused, 3, 'run', '--once', '--at', at)
    expect(run).toMatchObject({ refused: 'gate', scanned: {}, at })
    expect((await shop.run('run', '--once')).stdout).toMatch(/^SENDING IS STOPPED\n/)
  })

  it('shows campaigns as on by themselves, and off in effect', async () => {
    const { campaigns } = await expectJson(contract.campaigns, 0, 'campaign', 'show', 'soft-pin')
    expect(campaigns).toMatchObject([{ own: 'on', effective: 'off' }])
    expect((await shop.run('status')).stdout).toMatch(/^SENDING IS STOPPED\n[\s\S]*soft-pin +on, stopped/)
  })

  it('starts again only with a reason and a yes', async () => {
    expect(await expectJson(contract.switchOn, 0, 'resume', '--dry-run')).toMatchObject({ gate: { state: 'off' } })
    const { error } = await expectJson(contract.failure, 3, 'switch', 'on', '--reason', 'all is well')
    expect(error.code).toBe('confirmation-needed')
    const { code, stdout } = await shop.run('switch', 'on', '--reason', 'all is well', '--yes')
    expect(code).toBe(0)
    expect(stdout.split('\n').slice(0, 2)).toEqual(['SENDING IS ALLOWED', `  ledger  file:${shop.ledgerFile}`])
    const on = await expectJson(contract.switchOn, 0, 'switch', 'on', '--reason', 'again', '--yes')
    expect(on.gate.reason, 'what is on is not switched on again').toBe('all is well')
  })

  it('disables a campaign with no word of why, and without settings that can be read', async () => {
    await shop.write('config/forewarn.yaml', 'web: [\n')
    const { campaigns } = await expectJson(contract.campaigns, 0, 'campaign', 'disable', 'soft-pin', '--reason')
    expect(campaigns).toMatchObject([
      { key: 'soft-pin', own: 'off', effective: 'off', stages: expect.arrayContaining(['7d']) },
    ])
    const { findings, ok } = await expectJson(contract.configCheck, 2, 'config', 'check')
    expect({ ok, level: findings[0]?.level }).toEqual({ ok: false, level: 'error' })
  })

  it('stops when the settings are broken, and tells that after the stop', async () => {
    const { code, stdout, stderr } = await shop.run('switch', 'off', '--reason', 'broken\u001b[8m')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^SENDING IS STOPPED\n/)
    expect(stdout).toContain('broken\\u{1b}[8m')
    expect(stderr).toContain('the settings file is broken')
  })
})
