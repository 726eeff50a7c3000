import { join, resolve } from 'node:path'
import type { Campaign } from '#core/campaign.ts'
import type { CompiledTemplate, LetterValues } from '#core/letter.ts'
import { sampleCampaign } from '#mail/sample.ts'

export const templates = resolve(import.meta.dirname, '../../templates')
export const softPin = join(templates, 'soft-pin')

/** A small template: what tests of the composer need, and no more. */
export function givenTemplate(more: Partial<CompiledTemplate> = {}): CompiledTemplate {
  return {
    name: 'small',
    html: '<html lang="{{lang}}" dir="{{dir}}"><h1>{{subject}}</h1>\n{{#if name}}<p>{{t \'hello\'}}</p>{{/if}}\n{{#if account}}<b>{{account}}</b>{{/if}}\n<p>{{date}} {{time}}, {{zone}}. {{reference}}</p></html>',
    text: "{{subject}}\n---\n{{#if name}}\n{{t 'hello'}}\n{{/if}}\n{{#if account}}\n{{account}}\n{{/if}}\n{{date}} {{time}}, {{zone}}. {{reference}}\n{{docsUrl}}",
    facts: { docsUrl: { required: true } },
    stages: ['7d', 'expired'],
    messages: {
      en: {
        'subject.7d': 'Expires {inDays}, on {day}',
        'subject.expired': 'Expired on {day}',
        hello: 'Hello {name},',
        'value.inDays': inDays,
      },
    },
    ...more,
  }
}

const inDays = '{days, plural, =0 {today} =1 {tomorrow} other {in # days}}'

export function givenCampaign(template: CompiledTemplate, more: Partial<Campaign> = {}): Campaign {
  return { ...sampleCampaign(template), ...more }
}

export function givenValues(more: Partial<LetterValues> = {}): LetterValues {
  return {
    messageId: '01JHK3M4N5P6Q7R8S9T0V1W2X3',
    reference: '7K3M-Q2XW-9D4E',
    from: '"Partner Portal" <portal@example.com>',
    replyTo: 'help@example.com',
    to: 'ann@example.org',
    name: 'Ann Lee',
    stage: '7d',
    locale: null,
    timeZone: 'Europe/Berlin',
    composedAt: Date.UTC(2027, 0, 7, 9),
    pins: [{ expiresAt: Date.UTC(2027, 0, 14, 16), accountName: 'Northwind', setAt: Date.UTC(2026, 0, 14) }],
    morePins: 0,
    ...more,
  }
}
