import { expect, it } from 'vitest'
import { parseExposition } from './exposition.ts'

const mails = '# HELP mails_total Mails.\n# TYPE mails_total counter\n'
const calls = '# HELP call_seconds Calls.\n# TYPE call_seconds histogram\n'

it('reads labels and values', () => {
  const shown = parseExposition(
    `${mails}mails_total{stage="7d",odd="a\\"b\\\\n\\n"} 3\nmails_total{odd="",stage="1d"} 1.5e+3\n`,
  )
  expect(shown.value('mails_total', { odd: 'a"b\\n\n', stage: '7d' })).toBe(3)
  expect(shown.value('mails_total', { stage: '1d', odd: '' })).toBe(1500)
  expect(shown.value('mails_total', { stage: '1d' })).toBeUndefined()
})

it.each([
  ['a last line without an end', `${mails}mails_total 1`],
  ['a metric without a type', 'mails_total 1\n'],
  ['a type without a help', '# TYPE mails_total counter\nmails_total 1\n'],
  ['a metric in two places', `${mails}mails_total 1\n${mails}`],
  ['a series twice', `${mails}mails_total{a="1",b="2"} 1\nmails_total{b="2",a="1"} 1\n`],
  ['a sample of another metric', `${mails}calls_total 1\n`],
  ['no number', `${mails}mails_total NaN\n`],
  ['a count below 0', `${mails}mails_total -1\n`],
  ['an open quote', `${mails}mails_total{a="1} 1\n`],
  ['a counter that is not named as one', '# HELP mails Mails.\n# TYPE mails counter\nmails 1\n'],
  ['series with different labels', `${mails}mails_total{a="1"} 1\nmails_total{b="1"} 1\n`],
  ['a label that Prometheus gives itself', `${mails}mails_total{job="feed"} 1\n`],
  [
    'buckets that shrink',
    `${calls}call_seconds_bucket{le="1"} 2\ncall_seconds_bucket{le="+Inf"} 1\ncall_seconds_sum 1\ncall_seconds_count 1\n`,
  ],
  ['buckets without an end', `${calls}call_seconds_bucket{le="1"} 1\ncall_seconds_sum 1\ncall_seconds_count 1\n`],
  ['a histogram without a sum', `${calls}call_seconds_bucket{le="+Inf"} 1\ncall_seconds_count 1\n`],
])('refuses %s', (_what, text) => {
  expect(() => parseExposition(text)).toThrow()
})
