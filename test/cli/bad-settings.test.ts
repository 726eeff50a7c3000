import { mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type OpenedLedger, openLedger } from '#ledger/open.ts'
import { ops, seedPending } from '../ledger/fixtures.ts'
import { makePipe } from '../settings/folder.ts'
import { configCheck, failure, switchOff, switchStatus } from './contract.ts'
import { forewarnJson } from './forewarn.ts'
import { openShop, type Shop } from './shop.ts'

let shop: Shop
let opened: OpenedLedger
beforeAll(async () => {
  shop = await openShop()
  opened = await openLedger(`file:${shop.ledgerFile}`, { mode: 'migrate' })
  await seedPending(opened.ledger, 1)
})
afterAll(async () => {
  await opened.ledger.close()
  await shop.close()
})

/** Content of a file, or how something else comes into its place. */
type Content = string | ((file: string) => unknown)

interface Broken {
  readonly name: string
  /** What becomes of the settings file and of campaign files, by name in `config/`. */
  readonly files?: Readonly<Record<string, Content>>
  readonly env?: Readonly<Record<string, string>>
  /** Parts of what `config check` finds. */
  readonly finds: readonly string[]
}

const mail = 'mail: { from: portal@example.com, replyTo: help@example.com }\n'
const lists = (of: string) => `[${Array(9).fill(of).join()}]`
const aliasBomb = `a: &a ${lists('x')}\nb: &b ${lists('*a')}\nc: &c ${lists('*b')}\nd: &d ${lists('*c')}\ne: ${lists('*d')}\n`
const fiftyMegabytes = async (file: string) => {
  await writeFile(file, mail)
  await truncate(file, 50_000_000)
}
const wrongValues = `mail: { from: portal }
web: { port: "80", hots: localhost }
log: { level: off }
retention: { addressDays: 2026-01-01 }
caps:
  perAddressPerDay:
<<: { queue: hunter2 }
`

const settingsWith = (name: string, content: Content, ...finds: readonly string[]): Broken => {
  return { name, files: { 'forewarn.yaml': content }, finds }
}

const table: readonly Broken[] = [
  settingsWith('no YAML', 'mail: [\n', 'forewarn.yaml:2:1: expected valid YAML'),
  settingsWith('a tab', 'mail:\n\tfrom: x\n', 'forewarn.yaml:2:1: expected valid YAML – Tabs'),
  settingsWith('an alias bomb', aliasBomb, 'forewarn.yaml:2:8: expected valid YAML – aliases'),
  settingsWith('too deep', '['.repeat(60_000), 'nested deeper than 20 levels'),
  settingsWith('control characters', `${mail}log: \u0000\u001b[2J\n`, 'forewarn.yaml:2:'),
  settingsWith('a key twice', `${mail}web: {}\nweb: {}\n`, 'forewarn.yaml:3:1: expected valid YAML – web stands twice'),
  settingsWith(
    'wrong keys and values',
    wrongValues,
    'forewarn.yaml:1:15: mail.from: expected one mailbox',
    'forewarn.yaml:1:1: mail.replyTo: expected one mailbox',
    'forewarn.yaml:2:14: web.port: expected a port from 0 to 65535, found "80"',
    'forewarn.yaml:2:20: web.hots: expected a known key – did you mean host?',
    'forewarn.yaml:3:15: log.level: expected debug, info, warn or error, found "off"',
    'forewarn.yaml:4:27: retention.addressDays: expected a whole number from 1 to 3650, found "2026-01-01"',
    'forewarn.yaml:6:3: expected valid YAML – perAddressPerDay has no value',
    'forewarn.yaml:7:1: <<: expected a known key – YAML 1.2 has no merge keys',
  ),
  settingsWith('50 MB', fiftyMegabytes, 'it is longer than 64 KiB'),
  settingsWith('an endless file', (file) => symlink('/dev/zero', file), 'it is not a regular file'),
  settingsWith('a pipe', makePipe, 'it is not a regular file'),
  settingsWith('a folder', (file) => mkdir(file), 'it is a folder'),
  settingsWith('a circle of links', (file) => symlink(file, file), 'ELOOP'),
  {
    name: 'wrong variables',
    env: {
      QUEUE_URL: 'amqp://u:hunter2@h',
      FOREWARN_QEUE: 'hunter2',
      FOREWARN_WEB_HOST_FILE: 'missing',
      FOREWARN_WEB_PUBLIC_URL_FILE: process.execPath,
      FOREWARN_LOG_LEVEL: 'info',
      FOREWARN_LOG_LEVEL_FILE: 'x',
    },
    finds: [
      'environment QUEUE_URL: queue: expected embedded:, redis://HOST, rediss://HOST or postgres://…, found "amqp://u:***@h"',
      'environment FOREWARN_QEUE: expected a known variable – did you mean FOREWARN_QUEUE?',
      'environment FOREWARN_WEB_HOST_FILE: web.host: expected a readable file – ENOENT',
      'environment FOREWARN_WEB_PUBLIC_URL_FILE: web.publicUrl: expected a readable file – it is longer than 64 KiB',
      'environment FOREWARN_LOG_LEVEL and FOREWARN_LOG_LEVEL_FILE: log.level: expected one of these, not both',
    ],
  },
  { name: 'no campaigns', env: { FOREWARN_CAMPAIGNS: 'none' }, finds: ['none: expected a folder of campaign files'] },
  { name: 'a file for a folder', env: { FOREWARN_CAMPAIGNS: 'config/forewarn.yaml' }, finds: ['ENOTDIR'] },
  { name: 'no templates', env: { FOREWARN_TEMPLATES: 'none' }, finds: ['soft-pin.yaml:2:11: template: there is no'] },
  {
    name: 'broken campaigns',
    files: {
      'campaigns/stages.yaml': 'key: stages\nstages: [0d]\n',
      'campaigns/twin.yaml': 'key: soft-pin\n',
      'campaigns/bomb.yaml': aliasBomb,
      'campaigns/folder.yaml': (file) => mkdir(file),
      'campaigns/pipe.yaml': makePipe,
    },
    finds: [
      'campaigns/stages.yaml:2:10: stages[0]: expected 1d to 365d or expired',
      'campaigns/twin.yaml:1:6: key: expected a key that no other file has',
      'campaigns/soft-pin.yaml:1:6: key: expected a key that no other file has',
      'campaigns/bomb.yaml:2:8: expected valid YAML – aliases',
      'campaigns/folder.yaml: expected a readable campaign file – it is a folder',
      'campaigns/pipe.yaml: expected a readable campaign file – it is not a regular file',
    ],
  },
]

describe.each(table)('settings with $name', ({ files = {}, env = {}, finds }) => {
  // Dozens of processes: Node need not compile the same code each time.
  const compiled = { NODE_COMPILE_CACHE: join(tmpdir(), 'forewarn-compiled') }
  const run = (...args: string[]) => forewarnJson(args, { cwd: shop.folder, env: { ...compiled, ...env } })

  beforeEach(async () => {
    const put = await Promise.all(Object.entries(files).map(([name, content]) => replace(name, content)))
    return () => Promise.all(put.map((takeBack) => takeBack()))
  })

  it('are refused by `config check`, each fault with its place and what to do', async () => {
    const { code, document, stdout, stderr } = await run('config', 'check')
    const { ok, findings } = configCheck.parse(document)
    const told = findings.map(({ where, message }) => `${where}: ${message}`).join('\n')
    for (const part of finds) expect(told).toContain(part)
    expect(findings.filter(({ fix }) => fix === '')).toEqual([])
    expect({ ok, code, secrets: /hunter2/.test(stdout + stderr) }).toEqual({ ok: false, code: 2, secrets: false })
  })

  it('do not keep `switch off`, `switch status` and `campaign disable` from working', async () => {
    await opened.ledger.gates.open('*', ops, null)
    await opened.ledger.gates.open('soft-pin', ops, null)
    const [status, disabled] = await Promise.all([run('switch', 'status'), run('campaign', 'disable', 'soft-pin')])
    expect(switchStatus.parse(status.document).gate.state).toBe('on')
    expect(disabled.document).toMatchObject({ campaigns: [{ key: 'soft-pin', own: 'off' }] })
    const off = await run('switch', 'off')
    expect(switchOff.parse(off.document)).toMatchObject({ gate: { state: 'off' }, drained: true })
    expect([status.code, disabled.code, off.code]).toEqual([0, 0, 0])
    for (const { stderr } of [status, disabled, off]) expect(stderr).not.toMatch(/hunter2|^ {4}at /m)
  })
})

describe('settings that are broken', () => {
  it('end every other command with one error document that names them all', async () => {
    const env = { FOREWARN_WEB_PORT: '99999', QUEUE_URL: 'amqp://u:hunter2@h', FOREWARN_LOG_LEVEL: 'loud' }
    for (const line of ['status', 'campaign list', 'run --once', 'migrate', 'switch on --reason again --yes']) {
      const { code, document } = await forewarnJson(line.split(' '), { cwd: shop.folder, env })
      const { error } = failure.parse(document)
      expect([code, error.code], line).toEqual([2, 'settings-invalid'])
      for (const part of ['3 problems', 'web.port', 'log.level', 'amqp://u:***@h'])
        expect(error.message).toContain(part)
    }
  })
})

/** Puts something else into the place of a file in `config/`; gives what takes it back. */
async function replace(name: string, content: Content): Promise<() => Promise<void>> {
  const file = join(shop.folder, 'config', name)
  const before = await readFile(file, 'utf8').catch(() => null)
  await rm(file, { force: true })
  if (typeof content === 'string') await writeFile(file, content)
  else await content(file)
  return async () => {
    await rm(file, { recursive: true })
    if (before !== null) await writeFile(file, before)
  }
}
