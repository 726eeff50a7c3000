import { once } from 'node:events'
import { systemClocks } from '#app/clocks.ts'
import { deadlineIn } from '#core/clock.ts'
import { sesMailer } from '#mail/ses-client.ts'
import { mail } from './given-mail.ts'

// A process of its own that sends one mail, and then ends by itself if nothing of the call keeps it alive. With `callByMs`
// its credentials come only when it is told so.

const [endpoint = '', timeoutMs = '', callByMs] = process.argv.slice(2)
const clocks = systemClocks()
const callBy = deadlineIn(Number(callByMs ?? 10_000), clocks)
const keys = { accessKeyId: 'test', secretAccessKey: 'test' }

async function whenTold(): Promise<typeof keys> {
  process.send?.({ callBy: callBy.wallAt })
  await once(process, 'message')
  return keys
}

const mailer = sesMailer({
  timeoutMs: Number(timeoutMs),
  concurrency: 1,
  clocks,
  endpoint,
  region: 'eu-west-1',
  credentials: callByMs === undefined ? keys : whenTold,
})
const answer = await mailer.send(mail, callBy, new AbortController().signal)
process.send?.(answer)
process.disconnect()
