import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  visit,
} from 'yaml'
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
  // A pipe that nobody writes to would be waited for, even by a stop.
  const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(handle)
    if (!stats.isFile()) throw new Error(stats.isDirectory() ? 'it is a folder' : 'it is not a regular file')
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
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  const document = parsed(text, lines)
  if (document === null) return { file, value: undefined, problems: [tooDeep(file)], locate: () => file }

  const problems = [...document.errors, ...document.warnings].map(({ code, message, pos: [offset] }) => {
    if (code === 'DUPLICATE_KEY')
      return notation(at(offset), `${keyAt(text, offset)} stands twice`, 'Keep one of them.')
    return notation(at(offset), message)
  })
  let value: unknown
  // A key that stands twice leaves the rest readable, so that all that is wrong can be told at once.
  if (document.errors.every((fault) => fault.code === 'DUPLICATE_KEY')) {
    try {
      value = isEmpty(document.contents) ? {} : document.toJS({ maxAliasCount: maxAliases })
      problems.push(...emptyValues(document, at))
    } catch (error) {
      problems.push(unresolved(error, document, at))
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

  const deep = pathBelow(value, maxDepth)
  if (deep !== null) return { file, value: undefined, problems: [tooDeep(locate(deep))], locate }
  return { file, value, problems: withoutEchoes(problems), locate }
}

/** null: nested deeper than the parser can follow. */
function parsed(text: string, lines: LineCounter): Document.Parsed | null {
  try {
    // Pretty errors quote the line, which may hold a password; `silent` would hide that there are several documents.
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      stringKeys: true,
      logLevel: 'error',
    })
    return document.errors.some(({ message }) => /call stack|stack overflow/i.test(message)) ? null : document
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

function notation(where: string, reason: string, fix = notationFix): Problem {
  return problem({ path: '', where, expected: 'valid YAML', reason, fix })
}

const notationFix =
  'Correct the notation there: indent with blanks, close what is open, put a value with a : # or brackets in it in quotes.'

function tooDeep(where: string): Problem {
  return notation(where, `nested deeper than ${maxDepth} levels`, 'Take out what is nested so deep.')
}

/** A value of aliases that could not be made. The parser does not say where: at the first of them. */
function unresolved(error: unknown, document: Document.Parsed, at: (offset: number) => string): Problem {
  if (error instanceof RangeError) return tooDeep(at(0))
  let offset = 0
  visit(document, {
    Alias(_key, alias) {
      offset = startOf(alias) ?? 0
      return visit.BREAK
    },
  })
  const isTooMany = error instanceof ReferenceError && error.message.startsWith('Excessive')
  const reason = isTooMany ? `aliases (*) stand for more than ${maxAliases} values` : messageOf(error)
  return notation(at(offset), reason, 'Write the values out.')
}

/** Keys without a value: YAML takes them for null, and null often means "without a limit". */
function emptyValues(document: Document.Parsed, at: (offset: number) => string): Problem[] {
  const problems: Problem[] = []
  visit(document, {
    Pair(_key, { key, value }) {
      if (!isScalar(key) || !isScalar(value) || value.value !== null || value.source) return
      const reason = `${keyAt(String(key.value), 0)} has no value`
      problems.push(notation(at(startOf(key) ?? 0), reason, 'Give it a value, or write null where that is meant.'))
    },
  })
  return problems
}

/** Of one broken bracket a parser can make thousands of faults: each kind is told once, where it is met first. */
function withoutEchoes(problems: readonly Problem[]): Problem[] {
  const isEcho = ({ message, fix }: Problem, index: number) =>
    fix === notationFix && problems.findIndex((other) => other.message === message) < index
  return problems.filter((problem, index) => !isEcho(problem, index)).slice(0, maxProblems)
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

/** The path of something that lies below `levels` levels; null when nothing does. */
function pathBelow(value: unknown, levels: number, path: KeyPath = []): KeyPath | null {
  if (typeof value !== 'object' || value === null) return null
  if (path.length >= levels) return path
  const steps = Array.isArray(value) ? [...value.keys()] : Object.keys(value)
  for (const step of steps) {
    const found = pathBelow(valueAt(value, [step]), levels, [...path, step])
    if (found !== null) return found
  }
  return null
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
