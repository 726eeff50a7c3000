import { type ParsedMail, simpleParser } from 'mailparser'
import { beforeAll, describe, expect, it } from 'vitest'
import { daysLeft } from '#core/calendar.ts'
import type { Stage } from '#core/campaign.ts'
import type { CompiledTemplate } from '#core/letter.ts'
import { compileTemplate } from '#mail/compile.ts'
import { createComposer } from '#mail/compose.ts'
import { editionOf } from '#mail/edition.ts'
import type { ComposedMail } from '#mail/mail.ts'
import { readSamples, type Sample, sampleLetter } from '#mail/sample.ts'
import { givenCampaign, softPin } from './given-letter.ts'

const stages: readonly Stage[] = ['30d', '14d', '7d', '1d', 'expired']
const sampleKeys = ['one-pin', 'digest-of-7', '101-pins', 'hostile-name', 'nothing-known', 'expired']
const all = stages.flatMap((stage) => sampleKeys.map((key) => [stage, key] as const))

let template: CompiledTemplate
let samples: readonly Sample[]

beforeAll(async () => {
  template = await compileTemplate(softPin)
  samples = await readSamples(softPin)
})

const composer = createComposer()

function compose(stage: Stage, key: string, facts: Record<string, string | null> = {}): ComposedMail {
  const campaign = givenCampaign(template)
  const edition = editionOf({ ...campaign, facts: { ...campaign.facts, ...facts } }, template)
  return composer.compose(edition, sampleLetter(sampleOf(key), campaign, { stage }))
}

function sampleOf(key: string): Sample {
  const sample = samples.find((it) => it.key === key)
  if (sample === undefined) throw new Error(`There is no sample ${key}`)
  return sample
}

/** What a person reads of an HTML part, hidden text left out, in one line. */
function visible(html: string): string {
  return html
    .replace(/<head>[\s\S]*<\/head>|<!--[\s\S]*?-->|<div\s+style="display:none[^>]*>[\s\S]*?<\/div>/g, ' ')
    .replace(/<\/(p|td|li|h1|h2|div|a)>|<br ?\/?>/g, ' ')
    .replace(/<[^>]*>/g, '')
    .replace(/&gt;/g, '>')
    .replace(/&lt;/g, '<')
    .replace(/&quot;/g, '"')
    .replace(/&#x([0-9A-F]+);/gi, (_, digits) => String.fromCodePoint(Number.parseInt(digits, 16)))
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')
}

it('has the samples that show the edges', () => {
  expect(samples.map(({ key }) => key).sort()).toEqual([...sampleKeys].sort())
})

describe.each(all)('the mail of stage %s to the sample %s', (stage, key) => {
  let mail: ComposedMail
  let parsed: ParsedMail
  let parts: readonly string[]

  beforeAll(async () => {
    mail = compose(stage, key)
    parsed = await simpleParser(Buffer.from(mail.raw))
    parts = [visible(String(parsed.html)), (parsed.text ?? '').replace(/\s+/g, ' ')]
  })

  it('goes to one person, from the sender, with both parts', () => {
    expect(parsed.to).toMatchObject({ value: [{ address: 'recipient@example.com', name: '' }] })
    expect(parsed.from?.value).toEqual([{ address: 'portal@example.com', name: 'Partner Portal' }])
    expect(parsed.replyTo?.text).toBe('help@example.com')
    expect(parsed.subject).toBe(mail.subject)
    expect(String(parsed.html).trim()).toBe(mail.html.trim())
    expect(parsed.text?.trim()).toBe(mail.text.trim())
    expect(parsed.attachments).toEqual([])
    expect(parsed.headers.get('x-forewarn-reference')).toBe('7K3M-Q2XW-9D4E')
    expect(parsed.headers.get('content-language')).toBe('en')
  })

  it('answers the ten questions, in HTML and in text', () => {
    const pins = sampleOf(key).pins
    const single = pins.length === 1
    const expired = stage === 'expired'
    const answers: readonly (string | RegExp)[] = [
      'A Caller PIN (also called soft PIN) is the number that you are asked for when you call partner support.',
      /You set yours (on .*202\d )?in Partner Portal, under Security Settings/,
      expired
        ? /because you hold (a Caller PIN that has|Caller PINs that have) expired/
        : /because you hold (a )?Caller PINs? that expires? soon/,
      /(Expires|Expired|The first one expire[sd]):? \w+day, [A-Z0-9][^.]*202\d \d\d:\d\d, [A-Z]\w+/,
      'no longer valid when you are asked for it on the phone.',
      'Your sign-in and your access to Partner Portal are not affected.',
      'Partner Portal > Admin > Profile > Security Settings > enter the validation code sent by mail > Edit Caller PIN',
      'If the validation code does not come',
      'look in your spam folder',
      'Nothing is lost',
      'It comes from portal@example.com and bears the reference 7K3M-Q2XW-9D4E',
      'We never ask for your PIN or your password by mail.',
      'https://example.com/genuine',
      'quote the reference 7K3M-Q2XW-9D4E: support@example.com',
      'https://example.com/docs',
      'https://example.com/reset',
      'Already set a new PIN? Then there is nothing to do',
      single ? 'about this expiry.' : 'About PINs that have not been changed we may write again',
      'Reference: 7K3M-Q2XW-9D4E',
    ]
    for (const part of parts)
      for (const answer of answers) expect(part).toMatch(answer instanceof RegExp ? answer : literally(answer))
  })

  it('says the same in HTML and in text, in the same order', () => {
    const headings = [...mail.html.matchAll(/<h[12]\s[^>]*>([^<]*)</g)].map(([, heading]) => heading)
    expect([...mail.text.matchAll(/^(.+)\n-+$/gm)].map(([, heading]) => heading)).toEqual(headings)
    const [html = '', text = ''] = parts.map((part) => part.toLowerCase())
    const words: readonly string[] = text.replace(/-{3,}| - |\b\d\. /g, ' ').match(/[\p{L}\p{N}@]+/gu) ?? []
    const shown: readonly string[] = html.match(/[\p{L}\p{N}@]+/gu) ?? []
    const once = new Set(['partner', 'portal', 'reference'])
    expect([...new Set(words)].filter((word) => !shown.includes(word))).toEqual([])
    expect([...new Set(shown)].filter((word) => !words.includes(word) && !once.has(word))).toEqual([])
  })

  it('has a subject with the date, a preheader that adds to it, and no shouting', () => {
    const preheader = /<div\s+style="display:none[^>]*>([^<]*)</.exec(mail.html)?.[1] ?? ''
    expect(mail.subject.length).toBeLessThanOrEqual(70)
    expect(mail.subject).toMatch(/202\d$/)
    expect(preheader.length).toBeGreaterThanOrEqual(40)
    expect(preheader.length).toBeLessThanOrEqual(110)
    expect(mail.html).toContain(`<title>${mail.subject}</title>`)
    const words = `${mail.subject} ${preheader} ${key === 'hostile-name' ? '' : parts.join(' ')}`
    expect(words).not.toMatch(/!|\b(immediately|urgent|final|suspended|click)\b/i)
  })

  it('is small, in lines that every mail program bears', () => {
    expect(Buffer.byteLength(mail.html)).toBeLessThanOrEqual(60 * 1024)
    for (const line of mail.text.split('\n')) expect(line.length).toBeLessThanOrEqual(76)
    expect(mail.text).not.toMatch(/\n{3}|[ \t]\n|undefined|null/)
  })

  it('loads nothing, and links only to the allowed host', () => {
    expect(mail.html).not.toMatch(/<(img|script|link|form|iframe|input)\b|\ssrc=|url\(/i)
    const targets = [...mail.html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)
    expect(new Set(targets)).toEqual(
      new Set([
        'https://example.com/reset',
        'https://example.com/genuine',
        'https://example.com/docs',
        'mailto:support@example.com',
      ]),
    )
  })
})

describe('the stages', () => {
  it('differ in subject, preheader and first sentence, for one PIN and for several', () => {
    for (const key of ['one-pin', 'digest-of-7']) {
      const mails = stages.map((stage) => compose(stage, key))
      const firsts = mails.map(({ text }) => /^Hello[^\n]*\n\n(.*?)\n\n/ms.exec(text)?.[1])
      const preheaders = mails.map(({ html }) => /<div\s+style="display:none[^>]*>([^<]*)</.exec(html)?.[1])
      for (const texts of [mails.map(({ subject }) => subject), firsts, preheaders])
        expect(new Set(texts).size).toBe(stages.length)
    }
  })

  it('say how often a person may still be written to', () => {
    expect(
      stages.map((stage) => /If not: [^.]*\./.exec(compose(stage, 'one-pin').text.replace(/\s+/g, ' '))?.[0]),
    ).toEqual([
      'If not: we may write up to 4 more times about this expiry.',
      'If not: we may write up to 3 more times about this expiry.',
      'If not: we may write up to 2 more times about this expiry.',
      'If not: we may write once more about this expiry.',
      'If not: this is the last mail about this expiry.',
    ])
  })
})

describe('a digest', () => {
  it('lists each PIN with its account and its own date', () => {
    const sample = sampleOf('digest-of-7')
    const text = compose('14d', 'digest-of-7').text
    const items = [...text.matchAll(/^- (.*)\n {2}Expires on (.*)$/gm)].map(([, account, when]) => [account, when])
    expect(items.map(([account]) => account)).toEqual(sample.pins.map(({ accountName }) => accountName ?? 'Caller PIN'))
    expect(new Set(items.map(([, when]) => when)).size).toBe(sample.pins.length)
    expect(
      daysLeft(
        sample.pins[0]?.expiresAt ?? 0,
        sampleLetter(sample, givenCampaign(template)).composedAt,
        sample.timeZone,
      ),
    ).toBe(14)
  })

  it('tells the expired PINs from those that still expire', () => {
    const { text, html } = compose('expired', 'digest-of-7')
    for (const part of [text, html]) {
      expect(part.match(/Expired on /g)).toHaveLength(1)
      expect(part.match(/Expires on /g)).toHaveLength(6)
    }
  })

  it('of 101 PINs lists 100 and says that there is one more', () => {
    const { html, text } = compose('30d', '101-pins')
    for (const part of [html, text]) {
      expect(part.match(/Subsidiary \d+/g)).toHaveLength(100)
      expect(part).toContain('and 1 more.')
    }
  })
})

it('leaves out what a campaign does not state', () => {
  const { html, text } = compose('7d', 'one-pin', { genuineUrl: null })
  expect(html + text).not.toMatch(/This page shows|genuine"/)
})

function literally(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
}
