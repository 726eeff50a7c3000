import type { SESClient } from '@aws-sdk/client-ses'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { inboxPages } from '#inbox/pages/pages.ts'
import { type RunningInbox, startInbox } from '#inbox/server.ts'

import { sendRaw, sesClient } from '../inbox/ses-client.ts'
import { launchBrowser } from './browser.ts'

const hostile = [
  'Subject: <img src=x onerror="document.title=1"> expires soon',
  'X-Forewarn-Reference: K7QM-2B4T-X3',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<html lang="en"><title>x</title><h1 style="color: rgb(1, 2, 3)">Your PIN</h1><p id="ran">no</p>',
  '<script>document.getElementById("ran").textContent = "yes"; parent.document.title = "ran"</script>',
  '<img src="/mails.json" onerror="document.getElementById(\'ran\').textContent = \'yes\'">',
  '<a href="https://example.com/" target="_top">away</a></html>',
].join('\r\n')

let browser: Browser
let inbox: RunningInbox
let ses: SESClient
let context: BrowserContext
let page: Page

beforeAll(async () => {
  browser = await launchBrowser()
})

beforeEach(async () => {
  inbox = await startInbox({ pages: inboxPages })
  ses = sesClient(inbox.url)
  context = await browser.newContext()
  page = await context.newPage()
})

afterEach(async () => {
  await context.close()
  ses.destroy()
  await inbox.stop()
})

afterAll(() => browser.close())

const rows = () => page.locator('#rows li')

async function sendFew(): Promise<string> {
  await sendRaw(ses, { to: 'ann@example.com', stage: '7d', message: '01A' })
  await sendRaw(ses, {
    to: 'a-rather-long-mailbox-name@subdomain.of.a.partner.example',
    stage: 'expired',
    message: '01B',
  })
  const { MessageId } = await sendRaw(ses, { to: 'cem@example.com', raw: hostile, stage: '1d', message: '01C' })
  return MessageId ?? ''
}

describe('for everyone', () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`axe finds nothing in ${colorScheme}, empty or full, in any tab, wide or narrow`, async () => {
      await page.emulateMedia({ colorScheme })
      const check = async (path: string) => {
        await page.goto(inbox.url + path)
        // Legacy mode does without a second page; the mail's own frame is another document, and not this page's to judge.
        const { violations } = await new AxeBuilder({ page }).exclude('iframe').setLegacyMode().analyze()
        expect({ path, violations: violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]) }).toEqual({
          path,
          violations: [],
        })
      }
      await check('/')
      const id = await sendFew()
      inbox.faults.replace({ faults: [{ fault: 'paused' }] })
      await check('/?q=nobody')
      for (const tab of ['html', 'text', 'headers', 'raw', 'calls']) await check(`/mails/${id}?tab=${tab}`)
      await page.setViewportSize({ width: 320, height: 640 })
      await check('/')
      await check(`/mails/${id}`)
    })
  }

  test('nothing scrolls sideways at 320 pixels', async () => {
    const id = await sendFew()
    await page.setViewportSize({ width: 320, height: 640 })
    for (const path of [
      '/',
      '/?q=nobody',
      ...['html', 'text', 'headers', 'raw', 'calls'].map((tab) => `/mails/${id}?tab=${tab}`),
    ]) {
      await page.goto(inbox.url + path)
      const width = await page.evaluate<number>('document.documentElement.scrollWidth')
      expect({ path, width }).toEqual({ path, width: 320 })
    }
  })

  test('an empty inbox says what to do, with its own address', async () => {
    await page.goto(inbox.url)
    expect(await page.locator('#mail').textContent()).toContain(`AWS_ENDPOINT_URL_SES=${inbox.url}`)
  })

  test('works without scripts: list, search, mail, tabs and widths are links and a form', async () => {
    await sendFew()
    const plain = await browser.newPage({ javaScriptEnabled: false })
    await plain.goto(inbox.url)
    await plain.fill('#search', 'cem')
    await plain.press('#search', 'Enter')
    expect(await plain.locator('#rows li').count()).toBe(1)
    await plain.click('#rows a')
    await plain.click('text=375')
    expect(await plain.locator('iframe').evaluate((frame) => frame.getBoundingClientRect().width)).toBe(375)
    await plain.click('text=Headers')
    expect(await plain.locator('#mail table').textContent()).toContain('K7QM-2B4T-X3')
    expect(await plain.locator('#rows li').count()).toBe(1)
    await plain.close()
  })
})

describe('a mail', () => {
  test('is shown, but runs no script, and its subject is text', async () => {
    const id = await sendFew()
    await page.goto(`${inbox.url}/mails/${id}`)
    const mail = page.frameLocator('iframe')
    expect(
      await mail.locator('h1').evaluate((heading) => heading.ownerDocument.defaultView.getComputedStyle(heading).color),
    ).toBe('rgb(1, 2, 3)')
    expect(await mail.locator('#ran').textContent()).toBe('no')
    expect(await page.title()).toBe('Inbox · forewarn')
    expect(await page.locator('#mail h2').textContent()).toContain('<img src=x onerror=')
    expect(await page.locator('h1').count()).toBe(1)
  })

  test('runs no script either when it is opened alone', async () => {
    const id = await sendFew()
    await page.goto(`${inbox.url}/mails/${id}/html`)
    expect(await page.locator('#ran').textContent()).toBe('no')
  })
})

describe('the list', () => {
  test('shows new mails by itself, keeps a search, and takes the welcome away', async () => {
    await page.goto(`${inbox.url}/?q=ann`)
    await page.waitForResponse(`${inbox.url}/events`)
    await sendFew()
    await rows().filter({ hasText: 'ann@example.com' }).waitFor()
    expect(await rows().count()).toBe(1)
    await page.locator('#count', { hasText: '3 mails' }).waitFor()
    await page.locator('#mail', { hasText: 'Choose a mail' }).waitFor()
  })

  test('moves by j and k, keeps the tab, and finds by /', async () => {
    await sendFew()
    await page.goto(`${inbox.url}/?tab=headers`)
    const shown = (address: string) => page.locator('#mail dd', { hasText: address }).waitFor()
    await page.keyboard.press('j')
    await shown('cem@example.com')
    await page.keyboard.press('j')
    await shown('a-rather-long-mailbox-name')
    await page.keyboard.press('k')
    await shown('cem@example.com')
    expect(page.url()).toContain('tab=headers')
    await page.locator('#mail table').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('7d')
    await rows().nth(1).waitFor({ state: 'detached' })
    expect(page.url()).toContain('q=7d')
  })

  test('comes back with the browser’s own button after a mail was opened on a phone', async () => {
    await sendFew()
    await page.setViewportSize({ width: 320, height: 640 })
    await page.goto(inbox.url)
    await rows().first().click()
    await page.locator('#mail h2').waitFor()
    expect(await rows().first().isVisible()).toBe(false)
    await page.goBack()
    await rows().first().waitFor()
  })
})
