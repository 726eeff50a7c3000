import { z } from 'zod'

/** What a key is for, and what it takes: shown by editors, in problems and in docs/settings.md. */
export interface Described {
  readonly meaning: string
  readonly expected: string
}

/** Gives a key its meaning and the words in which a wrong value is refused. Outermost, after `default`. */
export function described<T extends z.ZodType>(schema: T, meaning: string, expected: string): T {
  return schema.meta({ description: `${meaning} Takes ${expected}.`, meaning, expected })
}

/** A group of keys. May be left out: its keys then have their defaults; unknown keys in it are refused. */
export function section<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.strictObject(shape).prefault({} as never)
}

/** The description of a key; null for groups. */
export function descriptionOf(schema: z.ZodType): Described | null {
  const { meaning, expected } = schema.meta() ?? {}
  return typeof meaning === 'string' && typeof expected === 'string' ? { meaning, expected } : null
}

/** A schema without defaults, null and transformations: what a file holds. */
export function bare(schema: z.ZodType): z.ZodType {
  const wraps = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodNullable
  if (wraps) return bare(schema.unwrap() as z.ZodType)
  return schema instanceof z.ZodPipe ? bare(schema.in as z.ZodType) : schema
}
