import { z } from 'zod'
import { bare, descriptionOf } from './described.ts'
import { nearest } from './nearest.ts'
import { type Problem, problem } from './problem.ts'
import { type KeyPath, valueAt } from './yaml-source.ts'

/** Turns what a schema refuses into problems: one per wrong value and per unknown key. `where` places a path. */
export function schemaProblems(
  error: z.ZodError,
  schema: z.ZodType,
  value: unknown,
  where: (path: KeyPath, part: 'key' | 'value') => string,
): Problem[] {
  const problems = error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, issue.path)
      return issue.keys.map((key) => {
        const path = [...issue.path, key]
        // The value of a key that we do not know may be a secret: it is not shown.
        return problem({
          path: pathText(path),
          where: where(path, 'key'),
          expected: 'a known key',
          ...advice(key, known),
        })
      })
    }
    const found = valueAt(value, issue.path)
    const place = where(issue.path, found === undefined ? 'key' : 'value')
    const expected = expectedAt(schema, issue.path)
    return [problem({ path: pathText(issue.path), where: place, expected, found, reason: reasonOf(issue, found) })]
  })
  // One value can fail several checks; where none has a reason of its own, they say the same.
  return [...new Map(problems.map((it) => [it.message, it])).values()]
}

function advice(key: string, known: readonly string[]): { reason?: string; fix: string } {
  if (key === '<<') return { reason: 'YAML 1.2 has no merge keys', fix: 'Write the keys out.' }
  const near = nearest(key, known)
  if (near === null) return { fix: `Remove it. The keys here are ${known.join(', ')}.` }
  return { reason: `did you mean ${near}?`, fix: `Write ${near} instead, or remove it.` }
}

/** `mail.rate.perSecond`, `stages[2]`. */
export function pathText(path: KeyPath): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '')
}

// Only our own checks have a reason beyond the description; zod's default text says nothing.
function reasonOf(issue: z.core.$ZodIssue, found: unknown): string | undefined {
  if (found === undefined) return 'it is required'
  if (issue.code === 'invalid_key') return 'its name must be made of letters and digits'
  return issue.code === 'custom' && issue.message !== 'Invalid input' ? issue.message : undefined
}

/** The words of the innermost described schema on the way to a path. */
function expectedAt(schema: z.ZodType, path: KeyPath): string {
  const steps = schemasOn(schema, path)
  for (const [index, step] of [...steps.entries()].reverse()) {
    const description = descriptionOf(step)
    if (description) return description.expected
    if (index === steps.length - 1 && bare(step) instanceof z.ZodObject) return 'keys with values'
  }
  return 'something else'
}

function keysAt(schema: z.ZodType, path: KeyPath): string[] {
  const inner = bare(schemasOn(schema, path).at(-1) ?? schema)
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : []
}

function schemasOn(schema: z.ZodType, path: KeyPath): z.ZodType[] {
  const schemas = [schema]
  for (const step of path) {
    const outer = bare(schemas.at(-1) ?? schema)
    const inner = childOf(outer, step)
    if (!inner) break
    schemas.push(inner)
  }
  return schemas
}

function childOf(schema: z.ZodType, step: PropertyKey): z.ZodType | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[String(step)]
  if (schema instanceof z.ZodArray) return schema.element as z.ZodType
  return schema instanceof z.ZodRecord ? (schema.valueType as z.ZodType) : undefined
}
