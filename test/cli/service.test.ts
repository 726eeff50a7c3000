import { readdirSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { demo, failure } from './contract.ts'
import { forewarnJson, start } from './forewarn.ts'
import { openShop, type Shop } from './shop.ts'

let shop: Shop
beforeEach(async () => {
  shop = await openShop()
})
afterEach(() => shop.close())

describe('`start`', () => {
  it('says when it is ready, and ends with 0 when it is asked to', async () => {
    const service = start(['start', '--json'], { cwd: shop.folder, env: { AWS_ENDPOINT_URL_SES: shop.inbox.url } })
    const stderr = text(service.stderr)
    let stdout = ''
    for await (const chunk of service.stdout) {
      stdout += chunk
      const { url } = JSON.parse(stdout) as { url: string }
      expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ ready: true })
      service.kill('SIGTERM')
    }
    expect(await service.ended).toBe(0)
    const logged = (await stderr).split('\n').filter(Boolean)
    expect(logged.map((line) => JSON.parse(line).msg)).toEqual(expect.arrayContaining(['ready', 'stopping', 'stopped']))
  })

  it('names a port that is taken, and ends with 1', async () => {
    const settings = await shop.write('taken.yaml', ownSettings(shop.inbox.port))
    const { code, document } = await shop.json('start', '--config', settings)
    const { error } = failure.parse(document)
    expect(error).toMatchObject({ code: 'port-taken', message: expect.stringContaining(String(shop.inbox.port)) })
    expect(code).toBe(1)
  })

  it('refuses to split the roles that an embedded queue needs together', async () => {
    const { code, document } = await shop.json('start', '--roles', 'scheduler')
    expect(failure.parse(document).error.code).toBe('roles-split')
    expect(code).toBe(2)
  })
})

describe('`inbox`', () => {
  it('names a port that is taken, and ends with 1', async () => {
    const { code, document } = await shop.json('inbox', '--port', String(shop.inbox.port))
    const { error } = failure.parse(document)
    expect(error).toMatchObject({ code: 'port-taken', message: expect.stringContaining(String(shop.inbox.port)) })
    expect(code).toBe(1)
  })
})

describe('`demo --once`', () => {
  it('needs nothing, heeds no setting, takes the next free port, and leaves the mails in a folder', async () => {
    const { code, document, stderr } = await forewarnJson(
      ['demo', '--once', '--pins', '40', '--port', String(shop.inbox.port), '--config', 'nowhere.yaml'],
      {
        cwd: shop.folder,
        env: {
          AWS_ENDPOINT_URL_SES: 'http://127.0.0.1:9',
          AWS_PROFILE: 'nobody',
          DATABASE_URL: 'postgres://nowhere/x',
          FOREWARN_MAIL_FROM: 'nonsense',
          TMPDIR: shop.folder,
        },
      },
    )
    expect(code, stderr).toBe(0)
    const report = demo.parse(document)
    expect(report.messages.sent).toBeGreaterThan(5)
    expect(report.messages).toMatchObject({ failed: 0, inDoubt: 0, pending: 0 })
    expect(readdirSync(report.mails).filter((name) => name.endsWith('.eml'))).toHaveLength(report.messages.sent)
    expect(shop.inbox.mails.list(), 'the inbox that was there got nothing').toEqual([])
  })
})

function ownSettings(port: number): string {
  return `database: file:./data/forewarn.db
mail:
  from: portal@example.com
  replyTo: help@example.com
web: { port: ${port} }
`
}
