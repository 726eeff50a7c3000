import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { watched } from '../app/watched.ts'
import { newWorld } from '../jobs/world.ts'
import type { Exposition } from './exposition.ts'

const docs = resolve(import.meta.dirname, '../../docs')
const page = readFileSync(resolve(docs, 'metrics.md'), 'utf8')
const dashboard = JSON.parse(readFileSync(resolve(docs, 'grafana.json'), 'utf8')) as Dashboard

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly datasource?: { readonly uid: string }
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number }
}

interface Dashboard {
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] }
  readonly panels: readonly Panel[]
}

const alerts = [...page.matchAll(/```promql\n([\s\S]+?)```/g)].map(([, query = '']) => query)
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))

/** A metric in a query, with what its labels are matched with. */
interface Use {
  readonly name: string
  readonly matchers: readonly { readonly label: string; readonly isPattern: boolean; readonly value: string }[]
}

function usesIn(query: string): Use[] {
  return [...query.matchAll(/(forewarn_[a-z_]+)(?:\{([^}]*)\})?/g)].map(([, name = '', matchers = '']) => ({
    name: name.replace(/_(bucket|sum|count)$/, ''),
    matchers: [...matchers.matchAll(/([a-z_]+)(=~|!=|!~|=)"([^"]*)"/g)].map(
      ([, label = '', sign = '', value = '']) => ({
        label,
        isPattern: sign.endsWith('~'),
        value,
      }),
    ),
  }))
}

/** Rows of the page's tables: name, type, labels. */
function documented(): string[] {
  return [...page.matchAll(/^\| `(forewarn_[a-z_]+)` \| ([a-z]+) \|([^|]*)\| \S/gm)].map(
    ([, name = '', type = '', labels = '']) =>
      [name, type, ...[...labels.matchAll(/`([a-z]+)`/g)].map(([, one]) => one)].join(' '),
  )
}

function served({ families }: Exposition): string[] {
  return [...families.values()].map(({ name, type, samples }) =>
    [name, type, ...Object.keys(samples[0]?.labels ?? {}).filter((label) => label !== 'le')].join(' '),
  )
}

describe('the documents about metrics', () => {
  let shown: Exposition
  beforeEach(async () => {
    shown = await watched(await newWorld()).scrape()
  })

  it('name every metric that a process serves, with its type and labels, and no other', () => {
    expect(documented().sort()).toEqual(served(shown).sort())
    expect(new Set(page.match(/forewarn_[a-z_]+[a-z]/g)?.map((name) => usesIn(name)[0]?.name))).toEqual(
      new Set(shown.families.keys()),
    )
  })

  it('show every metric on the dashboard, and no other', () => {
    expect(new Set(queries.flatMap(usesIn).map(({ name }) => name))).toEqual(new Set(shown.families.keys()))
  })

  it('ask for labels and values that there are', () => {
    const uses = [...alerts, ...queries].flatMap(usesIn)
    expect(alerts.length).toBeGreaterThanOrEqual(8)
    expect(uses.length).toBeGreaterThan(alerts.length)
    for (const { name, matchers } of uses) {
      const samples = shown.families.get(name)?.samples ?? []
      for (const { label, isPattern, value } of matchers) {
        const values = samples.map(({ labels }) => labels[label])
        const wanted = isPattern ? value.split('|') : [value]
        const missing =
          value === '$campaign'
            ? values.filter((one) => one === undefined)
            : wanted.filter((one) => !values.includes(one))
        expect(missing, `${name}{${label}}`).toEqual([])
      }
    }
  })

  it('group by labels that there are', () => {
    const known = new Set([...shown.families.values()].flatMap(({ samples }) => Object.keys(samples[0]?.labels ?? {})))
    const grouped = [...alerts, ...queries].flatMap((query) =>
      [...query.matchAll(/\b(?:by|on) \(([a-z, ]+)\)/g)].flatMap(([, labels = '']) => labels.split(', ')),
    )
    expect(grouped.length).toBeGreaterThan(10)
    expect(grouped.filter((label) => !known.has(label))).toEqual([])
  })

  it('give each metric a help of its own', () => {
    const helps = [...shown.families.values()].map(({ help }) => help)
    expect(new Set(helps).size).toBe(helps.length)
  })
})

describe('the dashboard', () => {
  it('reads from a data source that is chosen when it is opened', () => {
    expect(dashboard.templating.list).toContainEqual(
      expect.objectContaining({ name: 'datasource', type: 'datasource' }),
    )
    const sources = dashboard.panels.flatMap(({ datasource, targets = [] }) => [
      ...(datasource === undefined ? [] : [datasource]),
      ...targets.map((target) => target.datasource),
    ])
    expect(new Set(sources.map(({ uid }) => uid))).toEqual(new Set(['$datasource']))
  })

  it('has panels that do not lie on each other', () => {
    const { panels } = dashboard
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: h * w }, (_, cell) => `${x + (cell % w)}:${y + Math.floor(cell / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    for (const { title, gridPos } of panels) expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
  })
})
