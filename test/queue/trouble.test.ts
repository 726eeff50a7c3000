import { expect, test } from 'vitest'
import { faultOf, troubleOf } from '#queue/trouble.ts'

const coded = (code: string, message = '') => Object.assign(new Error(message), { code })

test.each([
  [coded('ECONNREFUSED'), 'ECONNREFUSED', 'the connection is refused'],
  [coded('28P01', 'password authentication failed for user "app"'), '28P01', 'it refuses the user or the password'],
  [new Error("READONLY You can't write against a read only replica."), 'READONLY', 'it is a read-only replica'],
  [new Error('Connection terminated unexpectedly'), 'connection lost', 'the connection was lost'],
  [
    new Error('Missing lock for job 01J8Z0M1. moveToFinished'),
    'Missing lock for job … moveToFinished',
    'Missing lock for job … moveToFinished',
  ],
])('knows %s by its code, its first word or its text without ids', (error, fault, trouble) => {
  expect([faultOf(error), troubleOf(error)]).toEqual([fault, trouble])
})

test('looks for what a transaction or a cluster failed of', () => {
  const cause = new Error("OOM command not allowed when used memory > 'maxmemory'.")
  expect(faultOf(Object.assign(new Error('EXECABORT Transaction discarded'), { previousErrors: [cause] }))).toBe('OOM')
  expect(faultOf(Object.assign(new Error('Failed to refresh slots cache.'), { lastNodeError: cause }))).toBe('OOM')
})

test('does not repeat the arguments that Redis quotes', () => {
  const error = new Error("ERR unknown command 'AUTH', with args beginning with: 'hunter2' ")
  expect(troubleOf(error)).toBe("ERR unknown command 'AUTH'")
})
