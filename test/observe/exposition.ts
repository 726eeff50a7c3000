/** One line of a metric: its labels in their order, and its value. */
export interface Sample {
  /** That of the metric, or with `_bucket`, `_sum` or `_count` added. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

/** Metrics as a scrape has read them. */
export interface Exposition {
  readonly families: ReadonlyMap<string, Family>
  /** The value with exactly these labels; undefined: it is not given. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined
  /** Of a metric, every value that is not 0, by the values of its labels. */
  happened(name: string): Record<string, number>
}

/**
 * Reads Prometheus's text format, version 0.0.4, strictly: https://prometheus.io/docs/instrumenting/exposition_formats/. Throws at
 * whatever Prometheus would refuse, misread or warn of.
 */
export function parseExposition(text: string): Exposition {
  if (!text.endsWith('\n')) throw new Error('the last line is not ended')
  const families = new Map<string, Family & { samples: Sample[] }>()
  const seen = new Set<string>()
  let family: (Family & { samples: Sample[] }) | null = null
  let help: { name: string; text: string } | null = null

  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue
    if (line.startsWith('# HELP ')) {
      const [, name = '', words = ''] = matched(line, /^# HELP ([a-z_]+) (\S.*)$/)
      help = { name, text: words }
    } else if (line.startsWith('# TYPE ')) {
      const [, name = '', type = ''] = matched(line, /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/)
      if (help?.name !== name) throw new Error(`no help right before the type: ${line}`)
      if (families.has(name)) throw new Error(`a second time: ${line}`)
      family = { name, type: type as Family['type'], help: help.text, samples: [] }
      families.set(name, family)
    } else {
      const sample = parseSample(line)
      if (family === null || !namesOf(family).includes(sample.name)) throw new Error(`not of its metric: ${line}`)
      const identity = sample.name + identityOf(sample.labels)
      if (seen.has(identity)) throw new Error(`a second time: ${line}`)
      seen.add(identity)
      family.samples.push(sample)
    }
  }
  for (const one of families.values()) check(one)
  return expositionOf(families)
}

function expositionOf(families: ReadonlyMap<string, Family>): Exposition {
  const samplesOf = (name: string): readonly Sample[] => {
    const base = families.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
    return (families.get(base)?.samples ?? []).filter((sample) => sample.name === name)
  }
  return {
    families,
    value(name, labels = {}) {
      const wanted = identityOf(labels)
      return samplesOf(name).find((sample) => identityOf(sample.labels) === wanted)?.value
    },
    happened: (name) =>
      Object.fromEntries(
        samplesOf(name)
          .filter(({ value }) => value !== 0)
          .map(({ labels, value }) => [Object.values(labels).join(' '), value]),
      ),
  }
}

/** Whatever the order of the labels. */
function identityOf(labels: Sample['labels']): string {
  return JSON.stringify(
    Object.keys(labels)
      .sort()
      .map((key) => [key, labels[key]]),
  )
}

function namesOf({ name, type }: Family): string[] {
  return type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
}

const label = /([a-z_]+)="((?:[^"\\]|\\["\\n])*)"/

function parseSample(line: string): Sample {
  const labels = `(?:\\{(${label.source}(?:,${label.source})*)\\})?`
  const [, name = '', list = ''] = matched(line, new RegExp(`^([a-z_]+)${labels} \\S+$`))
  const text = line.slice(line.lastIndexOf(' ') + 1)
  const value = text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text)
  if (!/^(\+Inf|-?[0-9.]+(e[+-]?[0-9]+)?)$/.test(text) || Number.isNaN(value)) throw new Error(`no number: ${line}`)
  const entries = [...list.matchAll(new RegExp(label, 'g'))].map(([, key = '', quoted = '']) => [key, unquoted(quoted)])
  if (new Set(entries.map(([key]) => key)).size !== entries.length) throw new Error(`a label twice: ${line}`)
  return { name, labels: Object.fromEntries(entries), value }
}

function unquoted(text: string): string {
  return text.replace(/\\["\\n]/g, (escaped) => (escaped === '\\n' ? '\n' : escaped.slice(1)))
}

/** What goes by the conventions, and what a histogram must agree on with itself. */
function check({ name, type, samples }: Family): void {
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is not named as a ${type}`)
  if (type !== 'gauge' && samples.some(({ value }) => value < 0)) throw new Error(`${name} is below 0`)
  const keysOf = ({ labels }: Sample) => Object.keys(labels).filter((key) => key !== 'le')
  const keys = new Set(samples.map((sample) => keysOf(sample).sort().join()))
  const taken = samples.find(({ labels }) => 'job' in labels || 'instance' in labels)
  if (taken !== undefined) throw new Error(`${name} has a label that Prometheus gives to what it scrapes`)
  if (keys.size > 1) throw new Error(`${name} has samples with different labels`)
  if (type === 'histogram') checkHistogram(name, samples)
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const series = Map.groupBy(samples, ({ labels }) => identityOf({ ...labels, le: '' }))
  for (const [labels, own] of series) {
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`)
    const bounds = buckets.map((sample) =>
      sample.labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(sample.labels.le),
    )
    const counts = buckets.map(({ value }) => value)
    const count = own.find((sample) => sample.name === `${name}_count`)?.value
    const isOrdered = bounds.every((bound, n) => n === 0 || bound > (bounds[n - 1] ?? 0))
    const grows = counts.every((value, n) => n === 0 || value >= (counts[n - 1] ?? 0))
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY || !isOrdered || !grows)
      throw new Error(`${name}: buckets of ${labels}`)
    if (count === undefined || counts.at(-1) !== count) throw new Error(`${name}: count of ${labels}`)
    if (!own.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name}: sum of ${labels}`)
  }
}

function matched(line: string, pattern: RegExp): RegExpMatchArray {
  const match = line.match(pattern)
  if (match === null) throw new Error(`not in the format: ${line}`)
  return match
}
