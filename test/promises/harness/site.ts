import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { type InboxOptions, type RunningInbox, startInbox } from '#inbox/server.ts'
import { documentOf, type Ended, type Running, startForewarn } from './forewarn.ts'
import { csvOf, type PinRow } from './pin-rows.ts'
import type { Stack } from './stacks.ts'

type Tree = Readonly<Record<string, unknown>>

export interface SiteNeeds {
  readonly pins: readonly PinRow[]
  /** Laid over the site's settings, group by group. */
  readonly settings?: Readonly<Record<string, Tree | string>>
  /** Laid over the campaign that each is; default: one, `soft-pin`. All are enabled, unless told not to be. */
  readonly campaigns?: readonly Tree[]
  readonly enabled?: boolean
  readonly inbox?: InboxOptions
}

/** An installation of forewarn in a fresh folder, whose SES is an inbox in this process. */
export interface Site {
  readonly folder: string
  readonly settingsFile: string
  readonly inbox: RunningInbox
  /** Runs a command with `--json` to its end. `variables` are added to its environment. */
  forewarn(args: readonly string[], variables?: Readonly<Record<string, string>>): Promise<Ended>
  /** The same, without waiting for its end. */
  start(args: readonly string[], variables?: Readonly<Record<string, string>>): Running
  importPins(rows: readonly PinRow[]): Promise<Ended>
  /** All messages as `messages list` tells them. */
  messages(): Promise<MessageRow[]>
  /** One message as `messages show` tells it. */
  message(id: string): Promise<MessageDetail>
}

export interface MessageRow {
  readonly id: string
  readonly campaign: string
  readonly stage: string
  readonly state: 'pending' | 'sending' | 'sent' | 'in_doubt' | 'failed' | 'skipped'
  readonly attempts: number
}

export interface MessageDetail extends MessageRow {
  readonly reminders: readonly {
    readonly pinId: string
    readonly stage: string
    readonly outcome: string | null
    readonly reason: string | null
  }[]
  readonly attemptList: readonly { readonly outcome: string | null; readonly endedAt: string | null }[]
}

/** What `run --once` prints. */
export interface RunDocument {
  readonly refused?: string
  readonly messages: { sent: number; failed: number; skipped: number; inDoubt: number; pending: number }
  readonly reminders: {
    sent: number
    failed: number
    inDoubt: number
    pending: number
    skipped: Readonly<Record<string, number>>
  }
  readonly waiting: Readonly<Record<string, number>>
}

/** Sets up a site with its PINs imported and its campaigns enabled. It is gone after the test. */
export async function newSite(stack: Stack, needs: SiteNeeds): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'forewarn-promise-'))
  const inbox = await startInbox({ account: { maxSendRate: 1_000 }, ...needs.inbox })
  onTestFinished(async () => {
    await inbox.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const settingsFile = join(folder, 'forewarn.yaml')
  await writeFile(settingsFile, stringify(settingsOf(stack, folder, needs.settings ?? {})))
  const campaigns = (needs.campaigns ?? [{}]).map((campaign) => ({ ...plainCampaign, ...campaign }))
  await mkdir(join(folder, 'campaigns'))
  for (const campaign of campaigns) {
    await writeFile(join(folder, 'campaigns', `${campaign.key}.yaml`), stringify(campaign))
  }

  const start: Site['start'] = (args, variables = {}) =>
    startForewarn([...args, '--config', settingsFile, '--json'], {
      cwd: folder,
      variables: { ...sesAt(inbox.url), ...variables },
    })
  const forewarn: Site['forewarn'] = (args, variables) => start(args, variables).ended
  let files = 0
  const site: Site = {
    folder,
    settingsFile,
    inbox,
    start,
    forewarn,
    async importPins(rows) {
      files += 1
      const file = join(folder, `pins-${files}.csv`)
      await writeFile(file, csvOf(rows))
      return forewarn(['pins', 'import', file])
    },
    messages: async () =>
      documentOf<{ messages: MessageRow[] }>(await forewarn(['messages', 'list', '--limit', '1000'])).messages,
    message: async (id) => documentOf(await forewarn(['messages', 'show', id])),
  }
  await setUp(site, needs, campaigns)
  return site
}

async function setUp(site: Site, { pins, enabled = true }: SiteNeeds, campaigns: readonly Tree[]): Promise<void> {
  const ends = await Promise.all([
    ...(pins.length > 0 ? [site.importPins(pins)] : []),
    ...(enabled ? campaigns.map(({ key }) => enable(site, String(key))) : []),
  ])
  for (const { code, stdout, stderr } of ends) expect(code, stdout + stderr).toBe(0)
}

export function enable(site: Site, campaign: string): Promise<Ended> {
  return site.forewarn(['campaign', 'enable', campaign, '--reason', 'test'])
}

/** `run --once`, at a business time; gives its exit code and what it printed. */
export async function runOnce(
  site: Site,
  at: string,
  ...more: string[]
): Promise<{ code: number | null; run: RunDocument }> {
  const end = await site.forewarn(['run', '--once', '--at', at, ...more])
  return { code: end.code, run: documentOf(end) }
}

function settingsOf(stack: Stack, folder: string, given: NonNullable<SiteNeeds['settings']>): Tree {
  const plain: Readonly<Record<string, Tree | string>> = {
    ...stack.settingsIn(folder),
    campaigns: './campaigns',
    templates: resolve(import.meta.dirname, '../../../templates'),
    portal: { maxAge: null },
    mail: {
      from: '"Partner Portal" <portal@example.com>',
      replyTo: 'help@example.com',
      rate: { perSecond: 200, reserve: 0.1 },
      // Calls that a test holds must outlast the commands it runs meanwhile.
      timeoutMs: 30_000,
    },
    resume: { factor: 1, minutes: 0 },
    web: { port: 0 },
  }
  const groups = Object.keys({ ...plain, ...given }).map((group) => {
    const [under, over] = [plain[group], given[group]]
    return [group, typeof over === 'object' && typeof under === 'object' ? { ...under, ...over } : (over ?? under)]
  })
  return Object.fromEntries(groups)
}

const plainCampaign = {
  key: 'soft-pin',
  template: 'soft-pin',
  stages: ['30d', '14d', '7d', '1d', 'expired'],
  window: null,
  links: { allow: ['example.com'] },
  facts: {
    docsUrl: 'https://example.com/docs/caller-pin',
    resetUrl: 'https://example.com/profile/security',
    supportEmail: 'help@example.com',
    genuineUrl: null,
  },
}

/** What sends a command's mail to an inbox, with made-up keys. */
function sesAt(url: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_SES: url,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'made-up',
    AWS_SECRET_ACCESS_KEY: 'made-up',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}
