import { compact } from './compact.ts'
import type { LetterVariables, Variables } from './letter-variables.ts'

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
export function shapeOf(variables: LetterVariables): ShapedLetter {
  const slots: string[] = []
  const { stage, count, days, remaining } = variables
  let key = `${stage} ${count} ${variables.pins.length} ${days} ${remaining} `
  key += take(variables, letterSlots, slots)
  for (const pin of variables.pins) key += ` ${take(pin, pinSlots, slots)}${Object.hasOwn(pin, 'ended') ? 'ended' : ''}`
  return { key, slots }
}

/** The same variables with a mark in the place of each slot, numbered in the order of `shapeOf`. */
export function withMarks(variables: LetterVariables): LetterVariables {
  let next = 0
  const mark = (to: Variables, names: readonly string[]): void => {
    for (const name of names) if (Object.hasOwn(to, name)) to[name] = `${before}${next++}${after}`
  }
  const marked = { ...variables }
  mark(marked, letterSlots)
  const pins = variables.pins.map((pin): Variables => {
    // Messages inside the list see the whole mail's values too; tokens see only the PIN's own.
    const markedPin: Variables = Object.assign(Object.create(marked), pin)
    mark(markedPin, pinSlots)
    return markedPin
  })
  return Object.assign(marked, { pins })
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

/** The same as `fill` in UTF-8, for texts beyond ASCII, which it is slow to encode anew for each mail. `texts`: those of the pieces. */
export function fillBytes({ slots }: Pieces, texts: readonly Uint8Array[], values: readonly string[]): Uint8Array {
  const encoded = values.map((value) => Buffer.from(value))
  return Buffer.concat(
    texts.flatMap((text, index) => {
      const value = encoded[slots[index] ?? -1]
      return value === undefined ? [text] : [text, value]
    }),
  )
}
