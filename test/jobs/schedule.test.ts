import { CronExpressionParser } from 'cron-parser'
import { describe, expect, it } from 'vitest'
import { clockHandlers } from '#app/lifecycle.ts'
import { clockJobs, timetable } from '#jobs/schedule.ts'
import { aCampaign } from '../core/given.ts'

const berlin = aCampaign({ key: 'berlin', schedule: { cron: '*/5 8-18 * * 1-5', timeZone: 'Europe/Berlin' } })
const lines = timetable([aCampaign(), berlin])

describe('the timetable', () => {
  it('names jobs that somebody does, and everything that is done stands in it', () => {
    const named = new Set(lines.map(({ job }) => job.name))
    expect([...named].sort()).toEqual(Object.keys(clockHandlers).sort())
  })

  it('starts each job of the service once, and a scan for each campaign by its own line', () => {
    expect(lines.map(({ job }) => job)).toEqual([
      ...clockJobs.map((name) => ({ name, campaign: null })),
      { name: 'scan', campaign: 'soft-pin' },
      { name: 'scan', campaign: 'berlin' },
    ])
    expect(lines.at(-1)?.when).toEqual(berlin.schedule)
  })

  it('has lines that can be read, and intervals that leave a stop room', () => {
    for (const { when } of lines) {
      if ('everyMs' in when) expect(when.everyMs).toBeGreaterThanOrEqual(1_000)
      else expect(() => CronExpressionParser.parse(when.cron, { tz: when.timeZone })).not.toThrow()
    }
  })

  it('is the service alone when no campaign is on', () => {
    expect(timetable([]).map(({ job }) => job.name)).toEqual([...clockJobs])
  })
})
