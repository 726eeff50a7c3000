import { describe, expect, it } from 'vitest'
import { campaignLimits, limitsByCampaign, nextLimitAt, roomLeft } from '#core/caps.ts'
import { aCampaign, instant } from './given.ts'

const inKolkata = aCampaign({ timeZone: 'Asia/Kolkata', limit: { perHour: 50, perDay: 400 } })

function buckets(at: string): string[] {
  return campaignLimits(inKolkata, instant(at)).map(({ bucket }) => bucket)
}

describe('the limits of a campaign', () => {
  it('are none where none are set', () => {
    expect(campaignLimits(aCampaign(), instant('2026-06-20T12:00Z'))).toEqual([])
    const limits = limitsByCampaign([aCampaign(), { ...inKolkata, key: 'other' }], 0)
    expect([...limits.keys()]).toEqual(['other'])
  })

  it('are what the campaign allows, an hour and a day', () => {
    expect(campaignLimits(inKolkata, instant('2026-06-20T12:00Z')).map(({ max }) => max)).toEqual([50, 400])
    expect(campaignLimits({ ...inKolkata, limit: { perHour: null, perDay: 400 } }, 0)).toHaveLength(1)
  })

  it('count anew with each full hour of UTC, at the instant itself', () => {
    const [before] = buckets('2026-06-20T11:59:59.999Z')
    const [after] = buckets('2026-06-20T12:00Z')
    expect(after).not.toBe(before)
    expect(buckets('2026-06-20T12:59:59.999Z')[0]).toBe(after)
  })

  it('count anew with each day of the campaign’s zone, at the instant itself', () => {
    const [, before] = buckets('2026-06-20T23:59:59.999+05:30')
    const [, after] = buckets('2026-06-21T00:00+05:30')
    expect(after).not.toBe(before)
    expect(buckets('2026-06-21T23:59:59.999+05:30')[1]).toBe(after)
  })

  it('are each campaign’s own', () => {
    const other = campaignLimits({ ...inKolkata, key: 'other' }, 0).map(({ bucket }) => bucket)
    expect(other).not.toEqual(campaignLimits(inKolkata, 0).map(({ bucket }) => bucket))
  })
})

describe('roomLeft', () => {
  const limits = [
    { bucket: 'hour', max: 50 },
    { bucket: 'day', max: 400 },
  ]

  it.each([
    [0, 0, 50],
    [49, 49, 1],
    [50, 50, 0],
    [0, 390, 10],
    [60, 60, 0],
  ])('with %i of the hour and %i of the day counted is %i', (hour, day, room) => {
    expect(roomLeft(limits, (bucket) => (bucket === 'hour' ? hour : day))).toBe(room)
  })
})

describe('nextLimitAt', () => {
  it.each([
    ['2026-06-20T11:59:59.999Z', '2026-06-20T12:00Z'],
    ['2026-06-20T12:00Z', '2026-06-20T13:00Z'],
    ['2026-06-20T12:00:00.001Z', '2026-06-20T13:00Z'],
  ])('after %s is %s', (at, next) => {
    expect(nextLimitAt(instant(at))).toBe(instant(next))
  })
})
