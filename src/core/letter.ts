import type { Campaign, Stage } from './campaign.ts'
import type { Instant } from './instant.ts'

/** A template folder after compiling: HTML and text with only Handlebars tokens left, and the wording per language. */
export interface CompiledTemplate {
  readonly name: string
  /** HTML made from MJML, with the template's tokens. */
  readonly html: string
  readonly text: string
  /** What the template says it needs from the campaign: names of facts, and whether each must be given. */
  readonly facts: Readonly<Record<string, { readonly required: boolean }>>
  readonly stages: readonly Stage[]
  /** locale → key → ICU message */
  readonly messages: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** A campaign and its compiled template as they were when it was enabled. What is sent is made of this and nothing else. */
export interface Edition {
  /** SHA-256 of the content, hex. */
  readonly hash: string
  readonly campaign: Campaign
  readonly template: CompiledTemplate
}

/** One PIN as a mail names it. */
export interface LetterPin {
  readonly expiresAt: Instant
  readonly accountName: string | null
  readonly setAt: Instant | null
}

/** All that goes into one mail beside the edition: with both, the same bytes come out again at any time. */
export interface LetterValues {
  readonly messageId: string
  readonly reference: string
  readonly from: string
  readonly replyTo: string
  readonly to: string
  readonly name: string | null
  readonly stage: Stage
  /** The wish of the PIN's holder, BCP 47; the composer finds the nearest language that the edition has. */
  readonly locale: string | null
  /** IANA; in which dates and times are given. */
  readonly timeZone: string
  /** Business time of composing: days left are counted from here. */
  readonly composedAt: Instant
  /** In order of expiry, cut at the campaign's list length. */
  readonly pins: readonly LetterPin[]
  /** How many more PINs there are than listed. */
  readonly morePins: number
}
