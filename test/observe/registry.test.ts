import { describe, expect, it } from 'vitest'
import { MetricRegistry } from '#observe/registry.ts'
import { parseExposition } from './exposition.ts'

async function read(registry: MetricRegistry) {
  return parseExposition(await registry.text())
}

describe('a counter', () => {
  it('shows 0 from its beginning on, and goes on from where it is when it is begun again', async () => {
    const registry = new MetricRegistry()
    const mails = registry.counter({ name: 'mails_total', help: 'Mails.', labels: ['stage'] })
    expect((await read(registry)).families.get('mails_total')?.samples).toEqual([])
    mails.begin({ stage: '7d' })
    expect((await read(registry)).value('mails_total', { stage: '7d' })).toBe(0)
    mails.add({ stage: '7d' })
    mails.add({ stage: '7d' }, 3)
    mails.begin({ stage: '7d' })
    expect((await read(registry)).value('mails_total', { stage: '7d' })).toBe(4)
  })

  it('without labels shows 0 before anything happens', async () => {
    const registry = new MetricRegistry()
    registry.counter({ name: 'slots_total', help: 'Slots.', labels: [] })
    expect((await read(registry)).value('slots_total')).toBe(0)
  })
})

describe('a gauge', () => {
  it('shows what was read last, and nothing of what was read before', async () => {
    const registry = new MetricRegistry()
    const hold = registry.gauge({ name: 'hold', help: 'Holds.', labels: ['cause'] })
    hold.show([
      { labels: { cause: 'quota' }, value: 1 },
      { labels: { cause: 'paused' }, value: 0 },
    ])
    hold.show([{ labels: { cause: 'paused' }, value: 1 }])
    const shown = await read(registry)
    expect(shown.families.get('hold')?.samples).toEqual([{ name: 'hold', labels: { cause: 'paused' }, value: 1 }])
  })

  it('without labels is left out until it is read, and when it cannot be read', async () => {
    const registry = new MetricRegistry()
    const age = registry.gauge({ name: 'age_seconds', help: 'Age.', labels: [] })
    expect((await read(registry)).value('age_seconds')).toBeUndefined()
    age.show([{ labels: {}, value: 12.5 }])
    expect((await read(registry)).value('age_seconds')).toBe(12.5)
    age.show([])
    expect((await read(registry)).value('age_seconds')).toBeUndefined()
  })
})

describe('durations', () => {
  it('are counted in buckets, and go on when they are begun again', async () => {
    const registry = new MetricRegistry()
    const calls = registry.durations({
      name: 'call_seconds',
      help: 'Calls.',
      labels: ['stage'],
      bucketsSeconds: [0.1, 1],
    })
    calls.begin({ stage: '1d' })
    expect((await read(registry)).value('call_seconds_count', { stage: '1d' })).toBe(0)
    for (const seconds of [0.1, 0.2, 5]) calls.record({ stage: '1d' }, seconds)
    calls.begin({ stage: '1d' })
    const shown = await read(registry)
    expect(shown.happened('call_seconds_bucket')).toEqual({ '0.1 1d': 1, '1 1d': 2, '+Inf 1d': 3 })
    expect(shown.value('call_seconds_sum', { stage: '1d' })).toBeCloseTo(5.3)
  })
})

it('keeps apart what labels say, whatever characters are in them', async () => {
  const registry = new MetricRegistry()
  const odd = registry.counter({ name: 'odd_total', help: 'Odd.', labels: ['one', 'other'] })
  const labels = [
    { one: 'a"b', other: 'c\\n' },
    { one: 'a', other: 'line\nbreak' },
    { one: '{x="y"}', other: '' },
  ]
  for (const [n, own] of labels.entries()) odd.add(own, n + 1)
  const shown = await read(registry)
  expect(labels.map((own) => shown.value('odd_total', own))).toEqual([1, 2, 3])
})
