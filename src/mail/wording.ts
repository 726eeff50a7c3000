import { IntlMessageFormat } from 'intl-messageformat'
import { isConstant } from './icu.ts'

/** The messages of one language, ready to be filled. */
export class Wording {
  readonly locale: string
  readonly direction: 'ltr' | 'rtl'
  readonly #messages: Readonly<Record<string, string>>
  readonly #made = new Map<string, string | IntlMessageFormat>()

  constructor(locale: string, messages: Readonly<Record<string, string>>) {
    this.locale = locale
    this.direction = directionOf(locale)
    this.#messages = messages
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#messages, key)
  }

  /** The message with its values; throws when there is no such message or a value is missing. */
  format(key: string, values: Readonly<Record<string, unknown>>): string {
    let message = this.#made.get(key)
    if (message === undefined) {
      message = this.#make(key)
      this.#made.set(key, message)
    }
    return typeof message === 'string' ? message : String(message.format(values as Record<string, string>))
  }

  #make(key: string): string | IntlMessageFormat {
    const text = this.has(key) ? this.#messages[key] : undefined
    if (text === undefined) throw new RangeError(`There is no message ${key} in ${this.locale}`)
    const message = new IntlMessageFormat(text, this.locale, undefined, { ignoreTag: true })
    return isConstant(message.getAst()) ? String(message.format({})) : message
  }
}

/** The nearest of the languages: `de-AT`, `de`, then the default. null when not even the default is there. */
export function chooseLocale(wish: string | null, available: readonly string[], fallback: string): string | null {
  return [...localeChain(wish), ...localeChain(fallback)].find((locale) => available.includes(locale)) ?? null
}

/** In which locale dates are written: the reader's own variety of the language of the words, else that language. */
export function localeForDates(wish: string | null, language: string): string {
  const [own] = localeChain(wish)
  return own !== undefined && languageOf(own) === languageOf(language) ? own : language
}

/** A locale and its wider ones, nearest first, without extensions such as calendars; empty when it is none. */
export function localeChain(locale: string | null): string[] {
  if (locale === null) return []
  let name: string
  try {
    name = new Intl.Locale(locale).baseName
  } catch {
    return []
  }
  const parts = name.split('-')
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('-'))
}

function languageOf(locale: string): string {
  return locale.split('-', 1)[0] ?? locale
}

const rightToLeftScripts = new Set(['Arab', 'Hebr', 'Syrc', 'Thaa', 'Nkoo', 'Adlm', 'Rohg'])

function directionOf(locale: string): 'ltr' | 'rtl' {
  return rightToLeftScripts.has(new Intl.Locale(locale).maximize().script ?? '') ? 'rtl' : 'ltr'
}
