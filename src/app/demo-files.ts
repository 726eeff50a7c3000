/** The demo's settings file. Commands in another terminal use it too. */
export function demoSettings({ templates, perSecond }: { templates: string; perSecond: number }): string {
  return `# Settings of a forewarn demo. Everything is made up, and stays on this machine.
database: file:./forewarn.db
campaigns: ./campaigns
templates: ${JSON.stringify(templates)}
mail:
  from: '"Partner Portal" <portal@example.com>'
  replyTo: help@example.com
  rate: { perSecond: ${perSecond}, reserve: 0.3 }
resume: { factor: 0.2, minutes: 0.5 }
web: { port: 0 }
`
}

/** The demo's campaign: as the shipped one, but at any hour of any day. */
export const demoCampaign = `key: soft-pin
template: soft-pin
schedule: { cron: '*/1 * * * *' }
stages: [30d, 14d, 7d, 1d, expired]
window: null
links: { allow: [example.com] }
facts:
  docsUrl: https://example.com/docs/caller-pin
  resetUrl: https://example.com/profile/security
  supportEmail: help@example.com
  genuineUrl: https://example.com/genuine
`
