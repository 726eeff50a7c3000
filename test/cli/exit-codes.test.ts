import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failure } from './contract.ts'
import { forewarn } from './forewarn.ts'
import { openShop, type Shop } from './shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())

describe('a command line that fails', () => {
  // In a folder with settings and a campaign, and no ledger yet.
  const usage = [
    ['', 2, 'usage'],
    ['bogus', 2, 'usage'],
    ['switch', 2, 'usage'],
    ['campaign bogus', 2, 'usage'],
    ['status --bogus', 2, 'usage'],
    ['status extra', 2, 'usage'],
    ['campaign show', 2, 'usage'],
    ['campaign enable soft-pin', 2, 'usage'],
    ['switch on --yes', 2, 'usage'],
    ['switch off --bogus', 2, 'usage'],
    ['messages list --limit 1001', 2, 'usage'],
    ['messages list --state lost', 2, 'usage'],
    ['run', 2, 'usage'],
    ['run --once --at yesterday', 2, 'usage'],
    ['scan', 2, 'usage'],
    ['scan --dry-run --at yesterday', 2, 'usage'],
    ['forecast', 2, 'usage'],
    ['forecast --days 0', 2, 'usage'],
    ['demo --pins 0', 2, 'usage'],
    ['demo --once --log-level loud', 2, 'usage'],
    ['inbox --port http', 2, 'usage'],
    ['start --roles nobody', 2, 'usage'],
    ['status --config nowhere.yaml', 2, 'settings-invalid'],
    ['status --log-level loud', 2, 'settings-invalid'],
    ['inbox --faults nowhere.yaml', 2, 'input-unreadable'],
  ] as const
  const withoutLedger = [
    ['status', 1, 'ledger-unusable'],
    ['messages list', 1, 'ledger-unusable'],
    ['messages show 0000-0000-0000', 1, 'ledger-unusable'],
    ['campaign list', 1, 'ledger-unusable'],
    ['campaign disable soft-pin', 1, 'ledger-unusable'],
    ['explain PIN-1', 1, 'ledger-unusable'],
    ['scan --dry-run', 1, 'ledger-unusable'],
    ['forecast --days 3', 1, 'ledger-unusable'],
    ['switch status', 1, 'ledger-unusable'],
    ['switch on --reason again --yes', 1, 'ledger-unusable'],
    ['switch off', 1, 'not-stopped'],
    ['stop --config nowhere.yaml', 1, 'not-stopped'],
  ] as const

  it.concurrent.each([...usage, ...withoutLedger])(
    '`%s` ends with %i, and says %s in JSON',
    async (line, code, said) => {
      const ended = await shop.json(...line.split(' ').filter(Boolean))
      expect(failure.parse(ended.document).error.code).toBe(said)
      expect(ended.code).toBe(code)
      expect(existsSync(shop.ledgerFile), 'no ledger was created').toBe(false)
    },
  )

  it('says on stderr what is wrong and what to do, and nothing on stdout', async () => {
    const ended = await shop.run('status')
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toBe(
      `error: there is no ledger at ${shop.ledgerFile}\n  hint: ${ended.stderr.split('hint: ')[1]}`,
    )
    expect(ended.stderr).toContain('forewarn migrate')
  })

  it('says no address again that was typed', async () => {
    const lines = [
      ['explain', 'ann@example.com', 'bob@example.com'],
      ['suppress', 'ann@example.com'],
      ['messages', 'show', 'ann@example.com'],
    ]
    for (const words of lines) {
      const { stdout, stderr, code } = await shop.run(...words)
      expect(code, words.join(' ')).toBeGreaterThan(0)
      expect(`${stdout}${stderr}`).not.toContain('@')
    }
  })

  it('shows the help of a command that needs another word', async () => {
    const ended = await shop.run('campaign')
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toMatch(/Usage: forewarn campaign[\s\S]*enable[\s\S]*error: forewarn campaign needs a command/)
  })

  it('shows a trace only when asked', async () => {
    const traced = await shop.run('status', '--log-level', 'debug')
    expect(traced.stderr).toMatch(/^ {4}at /m)
    expect((await shop.run('status')).stderr).not.toMatch(/^ {4}at /m)
  })

  it('refuses an --at over an hour ahead when SES itself is meant', async () => {
    const tomorrow = new Date(Date.now() + 7_200_000).toISOString()
    const { code, stdout } = await forewarn(['run', '--once', '--at', tomorrow, '--json'], { cwd: shop.folder })
    expect(failure.parse(JSON.parse(stdout)).error.code).toBe('at-in-future')
    expect(code).toBe(2)
  })
})

describe('help', () => {
  const commands = [
    'demo',
    'start',
    'run',
    'scan',
    'forecast',
    'pins import',
    'switch',
    'switch off',
    'switch on',
    'switch status',
    'stop',
    'resume',
    'campaign',
    'campaign list',
    'campaign show',
    'campaign enable',
    'campaign disable',
    'status',
    'explain',
    'messages',
    'messages list',
    'messages show',
    'inbox',
    'config check',
    'migrate',
  ]
  it('is there for every command, with the options that all have', async () => {
    const all = await Promise.all(commands.map((command) => shop.run(...command.split(' '), '--help')))
    for (const [n, { code, stdout }] of all.entries()) {
      expect(stdout.split('\n')[0], commands[n]).toMatch(`Usage: forewarn ${commands[n]} `)
      for (const option of ['--config', '--actor', '--json', '--no-color', '--log-level', '--version', '--help']) {
        expect(stdout, commands[n]).toContain(option)
      }
      expect(code).toBe(0)
    }
  })

  it('and the version are JSON too where JSON is wanted', async () => {
    expect((await shop.json('--version')).document).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
    expect((await shop.json('--help')).document).toEqual({ help: expect.stringContaining('To stop everything') })
    expect((await shop.json('switch', '--help')).document).toEqual({ help: expect.stringContaining('switch') })
  })
})
