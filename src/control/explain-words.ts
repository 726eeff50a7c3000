import type { Stage } from '#core/campaign.ts'
import type { Outcome } from '#core/outcome.ts'
import type { SkipReason } from '#core/reminder.ts'
import type { NextStage } from './explain-next.ts'
import type { OpenVerdict } from './explain-open.ts'
import type { WaitCause } from './wait-causes.ts'

/** What each answer of SES meant, for somebody on the support desk. */
export const answerWords: Readonly<Record<Outcome, string>> = {
  accepted: 'Amazon SES accepted the mail',
  refused: 'Amazon SES refused the mail for good; it is not tried again',
  throttled: 'Amazon SES asked to slow down; the mail was not sent, and is tried again',
  paused: 'Amazon SES had sending paused; the mail was not sent, and is tried again',
  'set-up': 'the account at Amazon SES was not ready; the mail was not sent, and is tried again',
  'not-sent': 'Amazon SES was not reached; the mail was not sent, and is tried again',
  unknown:
    'the call to Amazon SES ended without an answer: the mail may have gone out, and is not sent again by itself',
}

/** Why something waits. */
export const waitWords: Readonly<Record<WaitCause, string>> = {
  gate: 'all sending is stopped; `forewarn switch status` says since when and why',
  'campaign-off': 'its campaign is off',
  window: 'it is outside of the hours in which mails are sent',
  cap: 'the address has had its mails for the day',
  limit: 'the campaign has reached its limit for the hour or the day',
  'back-off': 'the last try did not get through',
  portal: 'the portal did not say how the PIN stands',
  hold: 'sending is on hold; `forewarn status` says why',
  quota: "Amazon SES's quota for the day is used up",
  pace: 'it may be sent now, and waits for its turn',
  assembly: 'it is put into a mail at the next scan',
}

/** Why a reminder that waits will not go out as it waits now. */
export function staleWords(verdict: Exclude<OpenVerdict, null>, stage: Stage): string {
  if (verdict === 'other-address') return 'it leaves this mail: the PIN has another address now, which is written to'
  return `it will not be sent: ${skipWords(verdict, stage)}`
}

/** What is to happen at the next stage; `closed`: what has stopped it for now. */
export function nextWords({ stage, against }: NextStage, closed: 'gate' | 'campaign-off' | null): string {
  if (against === 'pilot')
    return `no mail at ${stage}: the campaign writes to a share of people, and not yet to this one`
  if (against === 'not-covered') return `no mail at ${stage}: the campaign does not write about PINs like this one`
  if (against !== null) return `no mail at ${stage}: ${skipWords(against, stage)}`
  const mail = `the mail for the stage ${stage}, unless the PIN is set anew before`
  return closed === null ? mail : `${mail}; ${waitWords[closed]}`
}

/** Why a reminder was not sent. */
export function skipWords(reason: SkipReason, stage: Stage): string {
  if (reason === 'too-late' && stage === 'expired') return 'the days of grace after the expiry were over'
  return words[reason]
}

const words: Readonly<Record<SkipReason, string>> = {
  reset: 'the PIN was set anew, or its expiry moved: there was nothing left to warn of',
  revoked: 'the portal had revoked the PIN',
  gone: 'the portal did not have the PIN any more',
  'no-pin': 'the person has never set this PIN',
  superseded: 'a nearer stage had come due: of several, only the nearest is sent',
  'too-late': 'the PIN had expired before this warning could be sent',
  suppressed: 'no mail is to go to this address',
  'no-address': 'the portal had no address that a mail can go to',
  'not-applicable': 'it did not apply: the PIN was set after this stage, or the campaign does not cover it',
}
