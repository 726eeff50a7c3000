import { z } from 'zod'
import { bare, type Described, descriptionOf } from './described.ts'
import { settingsSchema } from './schema.ts'

/** One key of forewarn.yaml and how the environment names it. */
export interface SettingKey extends Described {
  /** `mail.rate.perSecond` */
  readonly name: string
  readonly path: readonly string[]
  /** `FOREWARN_MAIL_RATE_PER_SECOND`, and a short name where there is one. */
  readonly variables: readonly string[]
  /** The environment's text is the value; otherwise it is YAML. */
  readonly isText: boolean
  readonly isNullable: boolean
  /** As a file would say it; undefined when the key is required. */
  readonly default: unknown
}

const shortNames: Readonly<Record<string, string>> = {
  database: 'DATABASE_URL',
  queue: 'QUEUE_URL',
  'portal.url': 'PORTAL_URL',
}

/** Every key, in the schema's order. */
export const settingKeys: readonly SettingKey[] = keysOf(settingsSchema, [])

function keysOf(schema: z.ZodType, path: readonly string[]): SettingKey[] {
  const inner = bare(schema)
  const description = descriptionOf(schema)
  if (description === null && inner instanceof z.ZodObject) {
    return Object.entries(inner.shape).flatMap(([key, child]) => keysOf(child as z.ZodType, [...path, key]))
  }
  if (description === null) throw new Error(`the key ${path.join('.')} is not described`)
  const name = path.join('.')
  const fallback =
    schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault ? schema.def.defaultValue : undefined
  return [
    {
      ...description,
      name,
      path,
      variables: [shortNames[name] ?? [], variableOf(path)].flat(),
      isText: inner instanceof z.ZodString || inner instanceof z.ZodEnum,
      isNullable: schema.safeParse(null).success,
      default: fallback,
    },
  ]
}

function variableOf(path: readonly string[]): string {
  const words = path.map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase())
  return `FOREWARN_${words.join('_')}`
}
