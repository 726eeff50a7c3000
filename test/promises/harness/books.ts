import { expect } from 'vitest'
import type { RunningInbox } from '#inbox/server.ts'
import type { MessageRow } from './site.ts'

/** Ids of the messages that the inbox accepted, once for each copy. */
export function acceptedMessages({ mails }: RunningInbox): string[] {
  return mails.list().map(({ tags }) => tags.find(({ name }) => name === 'message')?.value ?? 'untagged')
}

/** The calls that were to send something, in order of beginning. */
export function sendingCalls({ calls }: RunningInbox) {
  return calls.where(({ action }) => action === 'SendRawEmail')
}

/** Ids of the messages that these calls were about, sorted. */
export function messagesOf(calls: readonly { readonly message: string | null }[]): string[] {
  return calls.map(({ message }) => message ?? 'untagged').sort()
}

/** Addresses of accepted mails, sorted: an address stands as often as it was mailed. */
export function mailed({ mails }: RunningInbox): string[] {
  return mails
    .list()
    .flatMap(({ to }) => to)
    .sort()
}

/** P1: nothing was accepted twice, and whatever was accepted is sent, or in doubt, in the ledger. */
export function expectAtMostOnce(inbox: RunningInbox, messages: readonly MessageRow[]): void {
  const accepted = acceptedMessages(inbox)
  expect(repeated(accepted), 'messages accepted twice').toEqual([])
  expect(repeated(mailed(inbox)), 'addresses mailed twice').toEqual([])
  const states = new Map(messages.map(({ id, state }) => [id, state]))
  const astray = accepted.filter((id) => !['sent', 'in_doubt'].includes(states.get(id) ?? 'unknown'))
  expect(astray, 'accepted, and the ledger does not know').toEqual([])
}

/** Ids of the messages in a state, sorted. */
export function idsIn(state: MessageRow['state'], messages: readonly MessageRow[]): string[] {
  return messages
    .filter((message) => message.state === state)
    .map(({ id }) => id)
    .sort()
}

function repeated(values: readonly string[]): string[] {
  return values.filter((value, index) => values.indexOf(value) !== index)
}
