import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parseDocument } from 'yaml'
import { type Problem, problem } from './problem.ts'

/** A key's path: names, and positions in lists. */
export type KeyPath = readonly PropertyKey[]

/** A YAML file as read: its value, what is wrong with its notation, and where each key stands. */
export interface YamlSource {
  readonly file: string
  /** undefined when the text is not YAML. */
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** `FILE:LINE:COLUMN` of a key or its value; of the nearest key above it, or the file alone, where it is absent. */
  readonly locate: (path: KeyPath, part?: 'key' | 'value') => string
}

/** Checking that keys are unique is quadratic in their number: 64 KiB of keys take 0.4 s, 1 MiB would take minutes. */
const maxBytes = 64 * 1024
const maxAliases = 100
const maxDepth = 20
/** Of one broken bracket a parser can make thousands. */
const maxProblems = 20

/** Reads a settings, campaign or secret file's text. Throws Node's own errors, and a sentence when it is too long or (if `fatal`) not UTF-8. */
export function readText(file: string, fatal = true): string {
  const handle = openSync(file, 'r')
  try {
    if (!fstatSync(handle).isFile()) throw new Error('it is not a file')
    const buffer = Buffer.alloc(maxBytes + 1)
    let length = 0
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(handle, buffer, length, buffer.length - length, null)
    }
    if (length > maxBytes) throw new Error(`it is longer than ${maxBytes / 1024} KiB`)
    return new TextDecoder('utf-8', { fatal }).decode(buffer.subarray(0, length))
  } finally {
    closeSync(handle)
  }
}

/** Parses one YAML 1.2 document. Never throws: what is wrong is in `problems`. An empty text is an empty map. */
export function parseYaml(text: string, file: string): YamlSource {
  const lines = new LineCounter()
  // Pretty errors quote the line, which may hold a password; `silent` would hide that there are several documents.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true, logLevel: 'error' })

  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  const notation = (where: string, reason: string) => problem({ path: '', where, expected: 'valid YAML', reason })
  const problems = [...document.errors, ...document.warnings].slice(0, maxProblems).map((fault) => {
    const [offset] = fault.pos
    return notation(at(offset), fault.code === 'DUPLICATE_KEY' ? `${keyAt(text, offset)} stands twice` : fault.message)
  })

  let value: unknown
  // A key that stands twice leaves the rest readable, so that all that is wrong can be told at once.
  if (document.errors.every((fault) => fault.code === 'DUPLICATE_KEY')) {
    try {
      value = isEmpty(document.contents) ? {} : document.toJS({ maxAliasCount: maxAliases })
      if (depth(value) > maxDepth) throw new Error(`nested deeper than ${maxDepth} levels`)
    } catch (error) {
      value = undefined
      problems.push(notation(file, error instanceof Error ? error.message : String(error)))
    }
  }

  const locate = (path: KeyPath, part: 'key' | 'value' = 'value') => {
    let node: Node | null = document.contents
    let offset: number | null = null
    for (const [index, step] of path.entries()) {
      if (isAlias(node)) node = node.resolve(document) ?? null
      const found = childOf(node, step)
      if (found === null) break
      const last = index === path.length - 1
      offset = (last && part === 'value' ? startOf(found.value) : startOf(found.key)) ?? startOf(found.key) ?? offset
      node = found.value
    }
    return offset === null ? file : at(offset)
  }

  return { file, value, problems, locate }
}

/** Nothing but comments; a written `null` is a value. */
function isEmpty(contents: Node | null): boolean {
  return contents === null || (isScalar(contents) && contents.value === null && !contents.source)
}

/** The value at a path; undefined where there is none. */
export function valueAt(value: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>((inner, step) => {
    return typeof inner === 'object' && inner !== null ? Object.getOwnPropertyDescriptor(inner, step)?.value : undefined
  }, value)
}

function childOf(node: Node | null, step: PropertyKey): { key: Node | null; value: Node | null } | null {
  if (isSeq(node) && typeof step === 'number') {
    const item = (node.items[step] ?? null) as Node | null
    return item && { key: item, value: item }
  }
  if (!isMap(node)) return null
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
  return pair ? { key: pair.key as Node | null, value: pair.value as Node | null } : null
}

function startOf(node: Node | null): number | null {
  return (node as ParsedNode | null)?.range?.[0] ?? null
}

function keyAt(text: string, offset: number): string {
  return /^["']?[\w-]*["']?/.exec(text.slice(offset, offset + 64))?.[0] ?? ''
}

function depth(value: unknown, level = 0): number {
  if (typeof value !== 'object' || value === null || level > maxDepth) return level
  return Math.max(level, ...Object.values(value).map((inner) => depth(inner, level + 1)))
}
