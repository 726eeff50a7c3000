import { daysLeft } from '#core/calendar.ts'
import type { Campaign, Stage } from '#core/campaign.ts'
import type { LetterPin, LetterValues } from '#core/letter.ts'
import { cleanName } from './clean-name.ts'
import type { LetterDates } from './letter-dates.ts'
import type { Wording } from './wording.ts'

/** What templates and messages may show in every mail. `subject` is for templates alone, being made of a message. */
export const givenVariables = [
  'lang',
  'dir',
  'reference',
  'sender',
  'stage',
  'count',
  'days',
  'inDays',
  'remaining',
  'day',
  'date',
  'time',
  'zone',
  'pins',
] as const

/** What a mail may lack: a template shows these only inside `{{#if …}}`. */
export const optionalVariables = ['name', 'digest', 'account', 'setDate', 'more'] as const

/** What a PIN of the list has, inside `{{#each pins}}`. */
export const pinVariables = { given: ['when'], optional: ['account', 'setDate', 'ended'] } as const

/** The variables by which a message may choose its words; all others are texts that only stand in it. */
export const choosingVariables = ['stage', 'count', 'days', 'remaining', 'more'] as const

/** The message behind `inDays`, e.g. "tomorrow": the others may use its result. */
export const inDaysKey = 'value.inDays'

/** Values by the names above; what a mail lacks is not there at all, so that using it is an error. */
export type Variables = Record<string, unknown>

/** The values of one mail, with what decides its shape. */
export interface LetterVariables extends Variables {
  readonly stage: Stage
  /** PINs in the mail, listed or not. */
  readonly count: number
  readonly days: number
  /** Stages that the campaign has after this one. */
  readonly remaining: number
  readonly pins: readonly Variables[]
}

/** All that a mail's words are made of, but `inDays` and `subject`, which are words themselves. */
export function letterVariables(
  values: LetterValues,
  campaign: Campaign,
  wording: Wording,
  dates: LetterDates,
  sender: string,
): LetterVariables {
  const [first] = values.pins
  if (first === undefined) throw new TypeError('A mail without PINs cannot be composed')
  const { stage, reference, morePins: more, composedAt, timeZone } = values
  const count = values.pins.length + more
  const { expiresAt } = first
  const rightToLeft = wording.direction === 'rtl'
  const own = (name: string): string => (rightToLeft ? isolated(name) : name)

  const variables = {
    lang: wording.locale,
    dir: wording.direction,
    start: rightToLeft ? 'right' : 'left',
    end: rightToLeft ? 'left' : 'right',
    reference,
    sender,
    stage,
    count,
    days: daysLeft(expiresAt, composedAt, timeZone),
    remaining: stagesAfter(stage, campaign.stages),
    day: dates.day(expiresAt),
    date: dates.date(expiresAt),
    time: dates.time(expiresAt),
    zone: dates.zone(expiresAt),
    pins: [] as Variables[],
  }
  const optional: Variables = variables
  const name = cleanName(values.name)
  if (name !== null) optional.name = own(name)
  if (count > 1) optional.digest = true
  else addPin(optional, first)
  if (more > 0) optional.more = more
  variables.pins = values.pins.map((pin) => {
    const variablesOfPin: Variables = { when: dates.when(pin.expiresAt) }
    if (pin.expiresAt <= composedAt) variablesOfPin.ended = true
    addPin(variablesOfPin, pin)
    return variablesOfPin
  })
  return variables

  function addPin(to: Variables, pin: LetterPin): void {
    const account = cleanName(pin.accountName)
    if (account !== null) to.account = own(account)
    if (pin.setAt !== null) to.setDate = dates.day(pin.setAt)
  }
}

/** How many stages the campaign has after this one. */
function stagesAfter(stage: Stage, stages: readonly Stage[]): number {
  const index = stages.indexOf(stage)
  return index === -1 ? 0 : stages.length - 1 - index
}

/** A text that keeps its own direction within a right-to-left sentence. */
function isolated(text: string): string {
  return `\u2068${text}\u2069`
}
