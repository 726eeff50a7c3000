import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningInbox, startInbox } from '#inbox/server.ts'
import { type Ended, forewarn, forewarnJson, killAll, root } from './forewarn.ts'

/** A small installation in a folder of its own, with an inbox in place of SES. */
export interface Shop {
  readonly folder: string
  readonly ledgerFile: string
  readonly inbox: RunningInbox
  run(...args: string[]): Promise<Ended>
  json(...args: string[]): Promise<Ended & { readonly document: unknown }>
  /** Writes a file into the folder; its path. */
  write(name: string, content: string): Promise<string>
  close(): Promise<void>
}

const dayMs = 86_400_000

export async function openShop(): Promise<Shop> {
  const folder = await mkdtemp(join(tmpdir(), 'forewarn-cli-'))
  const inbox = await startInbox()
  const env = {
    AWS_ENDPOINT_URL_SES: inbox.url,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  }
  const write = async (name: string, content: string): Promise<string> => {
    const file = join(folder, name)
    await writeFile(file, content)
    return file
  }
  await mkdir(join(folder, 'config/campaigns'), { recursive: true })
  await write('config/forewarn.yaml', settings)
  await write('config/campaigns/soft-pin.yaml', campaign)
  return {
    folder,
    ledgerFile: join(folder, 'data/forewarn.db'),
    inbox,
    run: (...args) => forewarn(args, { cwd: folder, env }),
    json: (...args) => forewarnJson(args, { cwd: folder, env }),
    write,
    async close() {
      killAll()
      await inbox.stop()
      await rm(folder, { recursive: true })
    },
  }
}

/** Rows of `pin_id,email,expires_at`, the expiry in days from now. */
export function csv(rows: readonly (readonly [pinId: string, email: string, days: number])[]): string {
  const lines = rows.map(([id, email, days]) => `${id},${email},${new Date(Date.now() + days * dayMs).toISOString()}`)
  return `pin_id,email,expires_at\n${lines.join('\n')}\n`
}

const settings = `templates: ${JSON.stringify(join(root, 'templates'))}
mail:
  from: '"Partner Portal" <portal@example.com>'
  replyTo: help@example.com
  rate: { perSecond: 50, reserve: 0.3 }
web: { port: 0 }
`

const campaign = `key: soft-pin
template: soft-pin
stages: [30d, 14d, 7d, 1d, expired]
window: null
links: { allow: [example.com] }
facts:
  docsUrl: https://example.com/docs
  resetUrl: https://example.com/reset
  supportEmail: help@example.com
  genuineUrl: https://example.com/genuine
`
