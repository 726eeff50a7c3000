import { expect, it } from 'vitest'
import { mailed } from './harness/books.ts'
import { documentOf } from './harness/forewarn.ts'
import { daysAfter, type PinRow } from './harness/pin-rows.ts'
import { newSite, runOnce, type Site } from './harness/site.ts'
import { onEveryStack } from './harness/stacks.ts'

onEveryStack('P6: no flood, and P4: nothing is lost', (stack) => {
  it('sends each stage once as time goes on, over the end of a year, and the nearest one after days without a run', async () => {
    const whole = pin('whole', '2028-01-10T10:00:00Z')
    const late = pin('late', '2028-01-05T10:00:00Z')
    const site = await newSite(stack, { pins: [whole, late], settings: { caps: { perAddressPerDay: null } } })

    // Each line: when a run is, and who hears of which stage by it.
    const story: readonly (readonly [at: string, heard: readonly string[]])[] = [
      ['2027-12-10T23:50:00Z', ['late 30d']],
      ['2027-12-11T00:00:00Z', ['whole 30d']],
      ['2027-12-26T12:00:00Z', ['late 14d']],
      // Eight days without a run: 14d of the one has passed with them, 7d of both is there.
      ['2028-01-03T08:00:00Z', ['late 7d', 'whole 7d']],
      ['2028-01-03T09:00:00Z', []],
      ['2028-01-09T00:00:00Z', ['late expired', 'whole 1d']],
      ['2028-01-10T10:00:00Z', ['whole expired']],
      ['2028-01-20T10:00:00Z', []],
    ]
    for (const [at, heard] of story) {
      site.inbox.mails.clear()
      const { code, run } = await runOnce(site, at)
      expect({ at, heard: stagesHeard(site) }).toEqual({ at, heard })
      expect({ code, reminders: run.reminders.sent }).toEqual({ code: 0, reminders: heard.length })
    }
  })

  it('refuses a business time that lies ahead, unless SES is a stand-in: real people would be mailed early', async () => {
    const site = await newSite(stack, { pins: [], enabled: false })
    const ahead = daysAfter(new Date().toISOString(), 0.1)

    const end = await site.forewarn(['run', '--once', '--at', ahead], { AWS_ENDPOINT_URL_SES: '' })

    expect(end).toMatchObject({ code: 2 })
    expect(documentOf(end)).toMatchObject({ error: { code: 'at-in-future' } })
  })

  it('puts all PINs of an address into one mail, and makes a second campaign wait for the next day at the cap', async () => {
    const now = '2027-03-01T12:00:00Z'
    const pins = ['one', 'two', 'three', 'four', 'five'].map((name, index) => ({
      ...pin(name, daysAfter(now, 3 + index)),
      email: index % 2 === 0 ? 'many@partner.example' : 'Many@Partner.Example',
    }))
    const site = await newSite(stack, {
      pins,
      campaigns: [{ key: 'first' }, { key: 'second' }],
      settings: { caps: { perAddressPerDay: 1 } },
    })

    const today = await runOnce(site, now)
    const again = await runOnce(site, '2027-03-01T18:00:00Z')
    const tomorrow = await runOnce(site, '2027-03-02T00:00:00Z')

    expect(today.run).toMatchObject({ messages: { sent: 1, pending: 1 }, reminders: { sent: 5 }, waiting: { cap: 1 } })
    expect(again.run).toMatchObject({ messages: { sent: 0, pending: 1 }, waiting: { cap: 1 } })
    expect(tomorrow.run).toMatchObject({ messages: { sent: 1, pending: 0 }, reminders: { sent: 5 }, waiting: {} })
    expect(mailed(site.inbox)).toHaveLength(2)
    const campaigns = site.inbox.mails.list().map(({ tags }) => tags.find(({ name }) => name === 'campaign')?.value)
    expect(new Set(campaigns)).toEqual(new Set(['first', 'second']))
  })
})

function pin(name: string, expires_at: string): PinRow {
  return { pin_id: name, email: `${name}@partner.example`, expires_at }
}

/** Who was mailed at which stage since the inbox was cleared: `whole 30d`, sorted. */
function stagesHeard({ inbox }: Site): string[] {
  return inbox.mails
    .list()
    .map(({ to, tags }) => `${to[0]?.split('@')[0]} ${tags.find(({ name }) => name === 'stage')?.value}`)
    .sort()
}
