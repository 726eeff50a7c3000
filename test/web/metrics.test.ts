import { expect, it } from 'vitest'
import { type Exposition, parseExposition } from '../observe/exposition.ts'
import { sendingCalls } from '../promises/harness/books.ts'
import type { Running } from '../promises/harness/forewarn.ts'
import { inSixAndAHalfDays, pinRows } from '../promises/harness/pin-rows.ts'
import { enable, newSite } from '../promises/harness/site.ts'
import { onEveryStack } from '../promises/harness/stacks.ts'

const stages = ['30d', '14d', '7d', '1d', 'expired']

async function scrapeOf(service: Running): Promise<() => Promise<Exposition>> {
  const url = `${String((await service.logged('ready')).url)}/metrics`
  return async () => {
    const response = await fetch(url)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    return parseExposition(await response.text())
  }
}

/** Scrapes until it shows what is waited for; the test's own time limit ends it. */
async function until(scrape: () => Promise<Exposition>, shows: (shown: Exposition) => boolean): Promise<Exposition> {
  for (;;) {
    const shown = await scrape()
    if (shows(shown)) return shown
  }
}

onEveryStack('A service that is watched from outside', (stack) => {
  it('tells from the first scrape on what its campaigns do, as its inbox and its messages have it', async () => {
    const pins = pinRows(8, { expires_at: inSixAndAHalfDays() })
    const site = await newSite(stack, {
      pins,
      enabled: false,
      inbox: {
        faults: {
          faults: [
            { fault: 'reject', when: { to: 'person-001@*' } },
            { fault: 'cut', accepted: true, when: { to: 'person-002@*' } },
          ],
        },
      },
    })
    const service = site.start(['start'])
    const scrape = await scrapeOf(service)
    expect((await scrape()).families.get('forewarn_messages_total')?.samples, 'nothing is enabled').toEqual([])

    expect(await enable(site, 'soft-pin')).toMatchObject({ code: 0 })
    const begun = await scrape()
    for (const stage of stages) {
      for (const outcome of ['sent', 'failed', 'in_doubt']) {
        const series = { campaign: 'soft-pin', stage, outcome }
        expect(begun.value('forewarn_messages_total', series), JSON.stringify(series)).toBeDefined()
      }
    }

    await site.inbox.waitFor(() => sendingCalls(site.inbox).length === pins.length && site.inbox.calls.open === 0)
    // SES's answers are yet to be written.
    const ended = (shown: Exposition) => Object.values(shown.happened('forewarn_messages_total'))
    const shown = await until(scrape, (one) => ended(one).reduce((sum, count) => sum + count, 0) === pins.length)
    expect(shown.happened('forewarn_messages_total')).toEqual({
      'soft-pin 7d sent': 6,
      'soft-pin 7d failed': 1,
      'soft-pin 7d in_doubt': 1,
    })
    expect(site.inbox.mails.list(), 'accepted, the one in doubt among them').toHaveLength(7)
    expect(shown.happened('forewarn_ses_calls_total')).toEqual({ accepted: 6, refused: 1, unknown: 1 })
    expect(shown.value('forewarn_ses_call_duration_seconds_count')).toBe(pins.length)
    expect(shown.happened('forewarn_sending_allowed')).toEqual({ '*': 1, 'soft-pin': 1 })
    expect(shown.value('forewarn_last_scan_success_timestamp_seconds', { campaign: 'soft-pin' })).toBeGreaterThan(
      shown.value('forewarn_process_start_time_seconds') ?? Number.POSITIVE_INFINITY,
    )

    expect(await site.forewarn(['switch', 'off'])).toMatchObject({ code: 0 })
    expect((await scrape()).value('forewarn_sending_allowed', { scope: '*' })).toBe(0)
    service.kill('SIGTERM')
    expect((await service.ended).code).toBe(0)
  })
})
