import { expect, it } from 'vitest'
import { editionOf } from '#mail/edition.ts'
import { givenCampaign, givenTemplate } from './given-letter.ts'

it('gives the same content the same name, in whatever order its keys are', () => {
  const template = givenTemplate()
  const campaign = givenCampaign(template)
  const turned = Object.fromEntries(Object.entries(campaign).reverse()) as unknown as typeof campaign
  expect(editionOf(turned, template).hash).toBe(editionOf(campaign, template).hash)
  expect(editionOf(campaign, template).hash).toMatch(/^[0-9a-f]{64}$/)
})

it('gives other content another name', () => {
  const template = givenTemplate()
  const campaign = givenCampaign(template)
  const others = [
    editionOf({ ...campaign, stages: [...campaign.stages].reverse() }, template),
    editionOf({ ...campaign, facts: { ...campaign.facts, docsUrl: null } }, template),
    editionOf(campaign, givenTemplate({ text: 'other' })),
  ]
  expect(new Set([editionOf(campaign, template), ...others].map(({ hash }) => hash)).size).toBe(4)
})
