// Commits to the ledger named by the first argument, one transaction after the other, until it is killed.
import Database from 'better-sqlite3'

const raw = new Database(process.argv[2] ?? '', { timeout: 60_000 })
raw.pragma('synchronous = FULL')
const commit = raw.prepare('update cap set count = count + 1')
raw.exec(`insert into cap values ('commits', 0, 0)`)
for (let commits = 0; ; commits += 1) {
  commit.run()
  if (commits === 20) process.stdout.write('ready\n')
}
