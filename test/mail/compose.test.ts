import Handlebars from 'handlebars'
import { simpleParser } from 'mailparser'
import { beforeAll, describe, expect, it } from 'vitest'
import type { CompiledTemplate, LetterValues } from '#core/letter.ts'
import { compileTemplate } from '#mail/compile.ts'
import { createComposer } from '#mail/compose.ts'
import { editionOf } from '#mail/edition.ts'
import { letterDates } from '#mail/letter-dates.ts'
import { letterVariables } from '#mail/letter-variables.ts'
import { readSamples, sampleLetter } from '#mail/sample.ts'
import { templateHelpers } from '#mail/template-helpers.ts'
import { chooseLocale, Wording } from '#mail/wording.ts'
import { givenCampaign, givenTemplate, givenValues, softPin } from './given-letter.ts'

const dayMs = 86_400_000

function compose(values: Partial<LetterValues> = {}, template = givenTemplate(), campaign = givenCampaign(template)) {
  return createComposer().compose(editionOf(campaign, template), givenValues(values))
}

describe('words', () => {
  it('puts the values into HTML, text and subject', () => {
    const { subject, html, text } = compose()
    expect(subject).toBe('Expires in 7 days, on January 14, 2027')
    expect(html).toContain('<h1>Expires in 7 days, on January 14, 2027</h1>')
    expect(text).toContain('Thursday, January 14, 2027 17:00, Central European Standard Time (GMT+1).')
    expect(text).toContain('7K3M-Q2XW-9D4E')
  })

  it.each([
    ['on the day itself', Date.UTC(2027, 0, 14, 15, 59), 'today'],
    ['on the day before, though less than 24 hours are left', Date.UTC(2027, 0, 13, 22, 59), 'tomorrow'],
    ['an hour into the next local day', Date.UTC(2027, 0, 13, 23), 'today'],
    ['after the expiry: never below zero', Date.UTC(2027, 0, 20), 'today'],
    ['a week before', Date.UTC(2027, 0, 7, 9), 'in 7 days'],
  ])('counts calendar days in the zone of the reader: %s', (_, composedAt, words) => {
    expect(compose({ composedAt }).subject).toContain(`Expires ${words}, on`)
  })

  it('shows midnight as 00:00', () => {
    const pins = [{ expiresAt: Date.UTC(2027, 0, 13, 23), accountName: null, setAt: null }]
    expect(compose({ pins }).text).toContain('January 14, 2027 00:00, Central European')
  })

  it('names the zone as it is called on that day', () => {
    const pins = [{ expiresAt: Date.UTC(2027, 6, 14, 16), accountName: null, setAt: null }]
    expect(compose({ pins }).text).toContain('18:00, Central European Summer Time (GMT+2)')
  })

  it('counts the PINs of a digest, listed or not', () => {
    const messages = {
      en: { 'subject.7d': '{count, plural, one {one} other {# in all}}', hello: 'x', 'value.inDays': 'x' },
    }
    const [pin] = givenValues().pins
    const pins = [pin, pin].filter((it) => it !== undefined)
    expect(compose({ pins, morePins: 3 }, givenTemplate({ messages })).subject).toBe('5 in all')
  })
})

describe('languages', () => {
  const messages = givenTemplate().messages
  const template = givenTemplate({
    messages: {
      ...messages,
      de: { 'subject.7d': 'Läuft am {day} ab', hello: 'Guten Tag {name},', 'value.inDays': 'in {days} Tagen' },
      ar: { 'subject.7d': 'تنتهي في {day}', hello: 'مرحبا {name}', 'value.inDays': '{days}' },
    },
  })

  it('falls back from the variety to the language, with dates of the variety', async () => {
    const { subject, raw } = compose({ locale: 'de-AT' }, template)
    expect(subject).toBe('Läuft am 14. Jänner 2027 ab')
    expect((await simpleParser(Buffer.from(raw))).headers.get('content-language')).toBe('de')
  })

  it.each(['fr-CA', 'nonsense!', '', null])('takes the default for %j', (locale) => {
    expect(compose({ locale }, template).subject).toContain('January 14, 2027')
  })

  it('takes no language that the campaign does not allow', () => {
    const campaign = givenCampaign(template, { locales: { default: 'en', allow: ['en'] } })
    expect(compose({ locale: 'de' }, template, campaign).subject).toContain('January 14, 2027')
  })

  it('takes no calendar or numbers from the wish', () => {
    expect(compose({ locale: 'en-u-ca-buddhist-nu-thai' }, template).subject).toContain('January 14, 2027')
  })

  it('writes right-to-left languages from the right, with names that keep their own direction', () => {
    const { html, text, subject } = compose({ locale: 'ar' }, template)
    expect(html).toContain('<html lang="ar" dir="rtl">')
    expect(text).toContain('\u2068Ann Lee\u2069')
    expect(subject).not.toMatch(/[\u2066-\u2069]/)
  })

  it('refuses a campaign whose default the template does not have', () => {
    const campaign = givenCampaign(template, { locales: { default: 'fr', allow: null } })
    expect(() => compose({}, template, campaign)).toThrow(
      expect.objectContaining({ code: 'campaign-invalid', path: 'locales.default' }),
    )
  })
})

describe('what people typed', () => {
  const hostile = [
    '<img src=x onerror=alert(1)>',
    '</p><script>alert(1)</script>',
    '{{reference}} {{{subject}}} {{#each pins}}{{/each}} {{t "hello"}}',
    '{count, plural, one {x}} {name} #',
    '</mj-text><mj-raw><mj-include path="/etc/passwd" />',
    `"><a href='x'>&amp;`,
    'Ann\r\nBcc: evil@example.net\r\n\r\n<b>body</b>',
    '\u202egnp.exe\u2066',
    'https://evil.example/?a=b www.evil.example',
    'x'.repeat(500),
    '\u00010\u0002 \u0001999\u0002',
    '$& $1 $`',
  ]

  it.each(hostile)('leaves %j inert as a name and as an account', async (typed) => {
    const [pin] = givenValues().pins
    const { html, text, raw, subject } = compose({
      name: typed,
      pins: [{ expiresAt: 0, setAt: null, ...pin, accountName: typed }],
    })
    expect(html.match(/<[^>]*>/g)).toEqual(compose().html.match(/<[^>]*>/g))
    expect(html + text).not.toMatch(/https?:\/\/evil|\S\.example\b|[\u202a-\u202e\u2066-\u2069]|[^\P{Cc}\n]|undefined/u)
    expect(html).not.toMatch(/x{81}/)
    expect(subject).toBe(compose().subject)
    const parsed = await simpleParser(Buffer.from(raw))
    expect([...parsed.headers.keys()]).toEqual([...(await simpleParser(Buffer.from(compose().raw))).headers.keys()])
    expect(text.split('\n').length - compose().text.split('\n').length).toBeLessThan(6)
  })

  it('shows braces and quotes of a name as they are, without escapes in the text part', () => {
    const { html, text } = compose({ name: `{{x}} & "O'Neill" <b>` })
    expect(text).toContain(`Hello {{x}} & "O'Neill" <b>,`)
    expect(html).toContain('Hello {{x}} &amp; &quot;O&#x27;Neill&quot; &lt;b&gt;,')
  })
})

describe('what is missing or wrong', () => {
  const template = givenTemplate()

  it.each([
    [{ docsUrl: null }, 'facts.docsUrl'],
    [{}, 'facts.docsUrl'],
    [{ docsUrl: 'https://evil.example/x' }, 'facts.docsUrl'],
    [{ docsUrl: 'https://sub.example.com/' }, 'facts.docsUrl'],
    [{ docsUrl: 'https://example.com.evil.example/' }, 'facts.docsUrl'],
    [{ docsUrl: 'https://example.com@evil.example/' }, 'facts.docsUrl'],
    [{ docsUrl: 'https://user:secret@example.com/' }, 'facts.docsUrl'],
    [{ docsUrl: 'https://user@example.com/' }, 'facts.docsUrl'],
    [{ docsUrl: 'https://example.com:8443/' }, 'facts.docsUrl'],
    [{ docsUrl: 'http://example.com/' }, 'facts.docsUrl'],
    [{ docsUrl: 'javascript:alert(1)' }, 'facts.docsUrl'],
    [{ docsUrl: 'example.com' }, 'facts.docsUrl'],
  ])('refuses the facts %j', (facts, path) => {
    const campaign = givenCampaign(template, { facts: facts as Record<string, string | null> })
    expect(() => compose({}, template, campaign)).toThrow(expect.objectContaining({ code: 'campaign-invalid', path }))
  })

  it.each([
    ['a value that a template shows', givenTemplate({ html: '{{unknown}}' })],
    [
      'a value that a message shows',
      givenTemplate({ messages: { en: { ...givenTemplate().messages.en, hello: '{unknown}' } } }),
    ],
    ['a message', givenTemplate({ text: "{{t 'unknown'}}" })],
    ['the subject of the stage', givenTemplate({ messages: { en: { hello: 'x', 'value.inDays': 'x' } } })],
    ['a helper', givenTemplate({ html: "{{shout 'x'}}" })],
  ])('makes no mail without %s', (_, broken) => {
    expect(() => compose({}, broken)).toThrow()
  })

  it('says nothing of the recipient in an error about the template', () => {
    try {
      compose({ name: 'Ann Secret' }, givenTemplate({ html: '{{unknown}}' }))
      expect.unreachable()
    } catch (error) {
      const { message, cause } = error as Error
      expect(`${message} ${String(cause)}`).not.toMatch(/Secret|ann@/)
    }
  })

  it.each([{ to: 'a@example.org,b@example.org' }, { from: 'nobody' }, { replyTo: 'x\r\ny@example.com' }, { pins: [] }])(
    'makes no mail of %j',
    (values) => {
      expect(() => compose(values)).toThrow()
    },
  )
})

describe('mails of one shape', () => {
  let template: CompiledTemplate
  beforeAll(async () => {
    template = await compileTemplate(softPin)
  })

  it('are the same bytes from the same values, from this composer and from another', () => {
    const edition = editionOf(givenCampaign(template), template)
    const composer = createComposer()
    const first = composer.compose(edition, givenValues())
    composer.compose(
      edition,
      givenValues({ name: 'Bo', pins: [{ expiresAt: Date.UTC(2027, 0, 14, 3), accountName: 'B', setAt: 0 }] }),
    )
    expect(composer.compose(edition, givenValues())).toEqual(first)
    expect(createComposer().compose(edition, givenValues())).toEqual(first)
  })

  it('are what Handlebars would make of each by itself', async () => {
    const campaign = givenCampaign(template)
    const edition = editionOf(campaign, template)
    const composer = createComposer()
    for (const sample of await readSamples(softPin)) {
      for (const stage of template.stages) {
        // The sample's own words come second, out of the shape that another recipient's mail has left.
        const values = sampleLetter(sample, campaign, { stage })
        composer.compose(edition, {
          ...values,
          name: values.name && 'Bo',
          timeZone: 'UTC',
          composedAt: values.composedAt,
          pins: values.pins.map((pin) => ({ ...pin, accountName: pin.accountName && 'B' })),
        })
        expect(composer.compose(edition, values).html).toBe(renderedAlone(values, template, campaign))
      }
    }
  })

  it('name more PINs than are listed, though the list holds but one', () => {
    const { text } = compose({ morePins: 3 }, template)
    expect(text).toMatch(/^4 Caller PINs: the first expires/)
    expect(text).toContain('and 3 more.')
  })

  it('do not share what differs between days, stages, lists and languages', () => {
    const edition = editionOf(givenCampaign(template), template)
    const composer = createComposer()
    const givenPin = { expiresAt: 0, accountName: null, setAt: null }
    const [pin] = givenValues().pins
    const subjects = [0, 1, 2].map((days) => {
      return composer.compose(edition, givenValues({ composedAt: Date.UTC(2027, 0, 14, 9) - days * dayMs })).subject
    })
    expect(subjects.map((subject) => /today|tomorrow|in 2 days/.exec(subject)?.[0])).toEqual([
      'today',
      'tomorrow',
      'in 2 days',
    ])
    const expired = composer.compose(edition, givenValues({ stage: 'expired', composedAt: Date.UTC(2027, 0, 15) }))
    expect(expired.subject).toBe('Your Caller PIN expired on January 14, 2027')
    const listed = [1, 2].map((count) => {
      const pins = Array.from({ length: 2 }, (_, index) => ({
        expiresAt: 0,
        accountName: null,
        ...pin,
        setAt: index < count ? 0 : null,
      }))
      return composer.compose(edition, givenValues({ pins })).text.match(/Set on/g)?.length
    })
    expect(listed).toEqual([1, 2])
    const ended = [1, 2].map((count) => {
      const pins = [0, 1].map((index) => ({ ...givenPin, expiresAt: index < count ? 0 : Date.UTC(2030, 0, 1) }))
      return composer.compose(edition, givenValues({ stage: 'expired', pins })).text.match(/Expired on/g)?.length
    })
    expect(ended).toEqual([1, 2])
  })
})

function renderedAlone(
  values: LetterValues,
  template: CompiledTemplate,
  campaign: ReturnType<typeof givenCampaign>,
): string {
  const locale = chooseLocale(values.locale, Object.keys(template.messages), 'en') ?? 'en'
  const wording = new Wording(locale, template.messages[locale] ?? {})
  const dates = letterDates(values.locale ?? locale, values.timeZone)
  const variables: Record<string, unknown> = letterVariables(values, campaign, wording, dates, 'portal@example.com')
  Object.assign(variables, campaign.facts)
  variables.pins = (variables.pins as object[]).map((pin) => ({ ...variables, ...pin }))
  variables.inDays = wording.format('value.inDays', variables)
  variables.subject = wording.format(`subject.${values.stage}`, variables)
  const handlebars = Handlebars.create()
  for (const [name, helper] of Object.entries(templateHelpers)) handlebars.registerHelper(name, helper)
  return handlebars.compile(template.html)(variables, { data: { wording } })
}
