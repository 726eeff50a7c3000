import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

// Imports point downwards only. A port is the file named as its folder; ports and settings are level 1 and see the core alone.

const root = resolve(import.meta.dirname, '../..')
const folders = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { imports: Record<string, string> })
  .imports
const files = globSync(['src/**/*.ts', 'jobs/**/*.ts'], { cwd: root }).sort()

const levels: Readonly<Record<string, number>> = {
  core: 0,
  settings: 1,
  pins: 2,
  ledger: 2,
  control: 2,
  queue: 2,
  mail: 2,
  inbox: 2,
  observe: 2,
  jobs: 2,
  web: 3,
  preview: 3,
  app: 4,
  cli: 5,
}

/** Fewer than this, and the test reads the wrong folder. */
const fewestFiles = 60
const fewestImports = 200

interface Import {
  readonly from: string
  readonly to: string
}

function roomOf(file: string): string {
  const [top = '', second = ''] = file.split('/')
  return top === 'jobs' ? 'jobs' : second
}

function isPort(file: string): boolean {
  const room = roomOf(file)
  return file === `src/${room}/${room}.ts`
}

function levelOf(file: string): number {
  const room = roomOf(file)
  if (isPort(file)) return 1
  if (file.startsWith('src/inbox/pages/')) return 3
  const level = levels[room]
  if (level === undefined) throw new Error(`${file}: no level is known for the folder ${room}`)
  return level
}

/** Every import of a file that leads to another file of ours: static, dynamic, type-only and re-exports. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier = '']) => specifier)
  return specifiers
    .filter((specifier) => /^[.#].*\.ts$/.test(specifier))
    .map((specifier) => ({ from: file, to: target(file, specifier) }))
}

function target(file: string, specifier: string): string {
  if (specifier.startsWith('.')) return relative(root, resolve(root, dirname(file), specifier))
  const [folder = ''] = specifier.split('/')
  const mapped = folders[`${folder}/*`]
  if (mapped === undefined) throw new Error(`${file}: ${specifier} is not among the imports of package.json`)
  return relative(root, join(root, mapped.replace('*', specifier.slice(folder.length + 1))))
}

function problemWith({ from, to }: Import): string | null {
  const [here, there] = [levelOf(from), levelOf(to)]
  if (there > here) return `${from} (level ${here}) imports ${to} (level ${there})`
  if (isPort(from) && there > 0) return `the port ${from} imports ${to}, and may import only core`
  const otherRoom = roomOf(from) !== roomOf(to)
  if (here === 2 && there === 2 && otherRoom) return `${from} imports the inside of another folder: ${to}`
  return null
}

/** The first circle found, as the way around it; null: none. */
function findCircle(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>()
  function walk(file: string, way: string[]): string[] | null {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file]
    if (done.has(file)) return null
    for (const next of graph.get(file) ?? []) {
      const circle = walk(next, [...way, file])
      if (circle !== null) return circle
    }
    done.add(file)
    return null
  }
  for (const file of graph.keys()) {
    const circle = walk(file, [])
    if (circle !== null) return circle
  }
  return null
}

describe('the layers', () => {
  const imports = files.flatMap(importsOf)

  it('are read in full', () => {
    expect(files.length).toBeGreaterThanOrEqual(fewestFiles)
    expect(imports.length).toBeGreaterThanOrEqual(fewestImports)
    expect(imports.filter(({ to }) => !files.includes(to))).toEqual([])
  })

  it('import downwards only', () => {
    expect(imports.map(problemWith).filter((problem) => problem !== null)).toEqual([])
  })

  it('have no circles', () => {
    const graph = new Map(files.map((file) => [file, imports.filter(({ from }) => from === file).map(({ to }) => to)]))
    expect(findCircle(graph)).toBeNull()
  })

  it.each([
    ['a port that looks up', 'src/queue/queue.ts', 'src/ledger/ledger.ts'],
    ['a job that sees SQL', 'jobs/send.ts', 'src/ledger/sqlite/schema.ts'],
    ['an implementation in another one', 'src/mail/pace.ts', 'src/queue/bullmq-queue.ts'],
    ['a rule that looks up', 'src/core/decide.ts', 'src/ledger/ledger.ts'],
  ])('find %s', (_what, from, to) => {
    expect(problemWith({ from, to })).not.toBeNull()
  })

  it('find a circle', () => {
    expect(
      findCircle(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['b']],
        ]),
      ),
    ).toEqual(['b', 'c', 'b'])
  })
})
