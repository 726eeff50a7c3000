import { expect, test } from 'vitest'
import { type LogFields, silentLog } from '#observe/observe.ts'
import { queueErrorLog } from '#queue/error-log.ts'

function setUp() {
  const lines: LogFields[] = []
  const clock = { ms: 0 }
  const log = { ...silentLog, warn: (_event: string, fields: LogFields = {}) => void lines.push(fields) }
  return { lines, clock, logError: queueErrorLog(log, () => clock.ms) }
}

const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:6379'), { code: 'ECONNREFUSED' })

test('logs one line per cause every ten seconds, and how many it left out', () => {
  const { lines, clock, logError } = setUp()
  for (let count = 0; count < 1_000; count += 1) logError('sends', refused)
  clock.ms = 9_999
  logError('sends', refused)
  expect(lines).toEqual([{ queue: 'sends', cause: 'ECONNREFUSED', omitted: 0 }])
  clock.ms = 10_000
  logError('sends', refused)
  expect(lines.slice(1)).toEqual([{ queue: 'sends', cause: 'ECONNREFUSED', omitted: 1_000 }])
})

test('has one line for the same cause on several queues, and does not let it hide another cause', () => {
  const { lines, logError } = setUp()
  logError('sends', refused)
  logError('clock', refused)
  logError('sends', new Error('Connection is closed.'))
  expect(lines.map(({ queue, cause }) => `${queue} ${cause}`)).toEqual(['sends ECONNREFUSED', 'sends connection lost'])
})

test('takes errors that differ in the job alone for one cause', () => {
  const { lines, logError } = setUp()
  logError('sends', new Error('could not renew lock for job 01J8Z0M1'))
  logError('sends', new Error('could not renew lock for job 01J8Z0M2'))
  expect(lines).toEqual([{ queue: 'sends', cause: 'could not renew lock for job …', omitted: 0 }])
})
