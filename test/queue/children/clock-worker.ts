import { createInterface } from 'node:readline'
import { silentLog } from '#observe/observe.ts'
import { openQueue } from '#queue/bullmq-queue.ts'
import type { Timetable } from '#queue/queue.ts'

// One process of several on the queue at argv[2]: it keeps the timetable and works, tells each tick and each send, and
// does what it is told on its lines: `now NAME`, `send ID`, `keep`.

const [url = '', name = ''] = process.argv.slice(2)
const queue = openQueue({ url, name, log: silentLog })
const tell = (line: string) => void process.stdout.write(`${line}\n`)
const timetable: Timetable[] = [{ job: { name: 'tick', campaign: null }, when: { everyMs: 200 } }]

await queue.start()
/** What is called `long` does not end. */
const run = (name: string) => (name === 'long' ? new Promise<void>(() => undefined) : Promise.resolve())
await queue.work(
  {
    send(messageId) {
      tell(`sent ${messageId}`)
      return run(messageId)
    },
    clock({ name }) {
      tell(`${name} ${Date.now()}`)
      return run(name)
    },
  },
  { sends: 2, clock: true },
)
await queue.keepTimetable(timetable)
tell('ready')

for await (const line of createInterface({ input: process.stdin })) {
  const [order, what = ''] = line.split(' ')
  if (order === 'now') await queue.startNow({ name: what, campaign: null })
  if (order === 'send') await queue.addSends([what])
  if (order === 'keep') await queue.keepTimetable(timetable)
  tell(`did ${line}`)
}
