import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import type { Stage } from '#core/campaign.ts'
import type { Problems } from './template-problem.ts'

/** The ten questions that every reminder answers, in HTML and in text. */
export const questions = ['what', 'set', 'why', 'when', 'nothing', 'do', 'code', 'genuine', 'help', 'again'] as const

const variable = z.string().regex(/^[a-z][A-Za-z0-9]*$/)
const messageKey = z.string().regex(/^[A-Za-z0-9]+(\.[A-Za-z0-9]+)*$/)
const stage = z.custom<Stage>(
  (value) => typeof value === 'string' && /^([1-9]\d{0,2}d|expired)$/.test(value),
  'expected 30d, 7d, … or expired',
)

const manifestSchema = z.strictObject({
  stages: z.array(stage).min(1),
  language: z.string().min(2),
  facts: z.record(variable, z.strictObject({ required: z.boolean() })),
  slots: z.array(variable),
  answers: z.strictObject(
    Object.fromEntries(questions.map((question) => [question, z.array(messageKey).min(1)])) as Record<
      (typeof questions)[number],
      z.ZodArray<typeof messageKey>
    >,
  ),
})

/** template.yaml: what a template offers and needs. */
export type TemplateManifest = z.output<typeof manifestSchema>

/** Reads template.yaml; null when it cannot be used, with the problems noted. `where`: the file as problems name it. */
export function readManifest(text: string, where: string, problems: Problems): TemplateManifest | null {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  for (const error of document.errors) {
    problems.error(
      'manifest',
      `${where}:${lines.linePos(error.pos[0]).line}`,
      firstLine(error.message),
      'Correct the YAML.',
    )
  }
  if (document.errors.length > 0) return null
  const parsed = manifestSchema.safeParse(document.toJS())
  if (parsed.success) return parsed.data
  for (const { path, message } of parsed.error.issues) {
    const node = path.length > 0 ? document.getIn(path, true) : undefined
    const offset =
      typeof node === 'object' && node !== null && 'range' in node
        ? (node.range as readonly number[] | null)?.[0]
        : undefined
    const line = offset === undefined ? 1 : lines.linePos(offset).line
    problems.error(
      'manifest',
      `${where}:${line}`,
      `${path.join('.') || 'template.yaml'}: ${message}.`,
      'Correct template.yaml.',
    )
  }
  return null
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text
}
