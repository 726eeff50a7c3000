import { compact } from './compact.ts'
import type { Variables } from './letter-variables.ts'

/**
 * A mail's shape is all that decides which words stand in it: language, stage, numbers, what is known and what is not. Its slots
 * are the texts that only stand there: names, dates, the reference. Mails of one shape differ in their slots alone, so that a
 * shape is rendered once, with a mark for each slot, and a mail is that rendering with its own texts put in.
 */
export interface ShapedLetter {
  /** Equal for mails of one shape, of one language and edition. */
  readonly key: string
  /** The texts of the slots, in order. */
  readonly slots: readonly string[]
}

const letterSlots = ['name', 'account', 'setDate', 'reference', 'sender', 'day', 'date', 'time', 'zone'] as const
const pinSlots = ['account', 'setDate', 'when'] as const

/** Parts a mail's variables into shape and slots. */
export function shapeOf(variables: Variables & { readonly pins: readonly Variables[] }): ShapedLetter {
  const slots: string[] = []
  const { stage, count, days, remaining, more } = variables
  let key = `${stage} ${count} ${days} ${remaining} ${more ?? 0} `
  key += take(variables, letterSlots, slots)
  for (const pin of variables.pins) key += ` ${take(pin, pinSlots, slots)}${Object.hasOwn(pin, 'ended') ? 'ended' : ''}`
  return { key, slots }
}

/** The same variables with a mark in the place of each slot, numbered in the order of `shapeOf`. */
export function withMarks(variables: Variables & { readonly pins: readonly Variables[] }): Variables {
  let next = 0
  const mark = (from: Variables, names: readonly string[], to: Variables): Variables => {
    Object.assign(to, from)
    for (const name of names) if (Object.hasOwn(from, name)) to[name] = `${before}${next++}${after}`
    return to
  }
  const marked = mark(variables, letterSlots, {})
  marked.pins = variables.pins.map((pin) => mark(pin, pinSlots, Object.create(marked)))
  return marked
}

function take(from: Variables, names: readonly string[], slots: string[]): string {
  let present = ''
  for (const name of names) {
    if (!Object.hasOwn(from, name)) continue
    present += name
    slots.push(String(from[name]))
  }
  return present
}

/** Control characters: names are freed of them, and messages must not have them. */
const before = '\u0001'
const after = '\u0002'
const marks = new RegExp(`${before}(\\d+)${after}`)

/** A text with places for slots: `texts[0] slot texts[1] slot …`. */
export interface Pieces {
  readonly texts: readonly string[]
  readonly slots: readonly number[]
}

/** Takes a text apart at its marks. */
export function piecesOf(marked: string): Pieces {
  const parts = marked.split(marks)
  return {
    texts: parts.filter((_, index) => index % 2 === 0).map(compact),
    slots: parts.filter((_, index) => index % 2 === 1).map(Number),
  }
}

/** Puts the texts of slots into their places. */
export function fill({ texts, slots }: Pieces, values: readonly string[]): string {
  let filled = texts[0] ?? ''
  for (let index = 0; index < slots.length; index++) {
    filled += (values[slots[index] ?? -1] ?? '') + (texts[index + 1] ?? '')
  }
  return filled
}
