import { IntlMessageFormat } from 'intl-messageformat'

/** A parsed ICU message. */
export type IcuElements = ReturnType<IntlMessageFormat['getAst']>

/** The element types of the parser, which exports them as an enum that cannot be imported by type alone. */
const literal = 0
const argument = 1
const number = 2
const date = 3
const time = 4
const select = 5
const plural = 6

/** Parses a message; throws with the parser's reason. `<` and `>` are plain characters. */
export function parseIcu(text: string, locale: string): IcuElements {
  return new IntlMessageFormat(text, locale, undefined, { ignoreTag: true }).getAst()
}

/** True when a message shows the same whatever its values. */
export function isConstant(elements: IcuElements): boolean {
  return elements.every(({ type }) => type === literal)
}

/** What a message does with values, by their names. */
export interface IcuUses {
  readonly names: ReadonlySet<string>
  /** Those by which it chooses its words. */
  readonly choosing: ReadonlySet<string>
  /** Those that it would format as a date or time by itself. */
  readonly dates: ReadonlySet<string>
}

export function icuUses(elements: IcuElements): IcuUses {
  const names = new Set<string>()
  const choosing = new Set<string>()
  const dates = new Set<string>()
  const visit = (inner: IcuElements): void => {
    for (const element of inner) {
      if (element.type === argument || element.type === number) names.add(element.value)
      if (element.type === date || element.type === time) dates.add(element.value)
      if (element.type === select || element.type === plural) {
        names.add(element.value)
        choosing.add(element.value)
        for (const option of Object.values(element.options)) visit(option.value)
      }
    }
  }
  visit(elements)
  return { names, choosing, dates }
}
