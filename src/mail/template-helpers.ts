import type { HelperOptions } from 'handlebars'
import type { Wording } from './wording.ts'

/** The helpers of templates: `{{t 'key'}}` is the message of that key, `{{staged 'key'}}` the one of `key.STAGE`. */
export const templateHelpers = {
  t(this: Values, key: string, { data }: HelperOptions): string {
    return wordingOf(data).format(key, this)
  },
  staged(this: Values, key: string, { data }: HelperOptions): string {
    return wordingOf(data).format(`${key}.${this.stage}`, this)
  },
}

type Values = Readonly<Record<string, unknown>> & { readonly stage: string }

function wordingOf(data: { readonly wording: Wording }): Wording {
  return data.wording
}
