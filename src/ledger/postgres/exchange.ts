import type { Clocks } from '#core/clock.ts'
import { CommitAnswerLost } from '../commit-answer-lost.ts'
import type { Claim, ClaimRequest, Outbox, Settled, Settlement } from '../ledger.ts'
import { bucketsOfClaims, Claims, findAttempt } from './claim.ts'
import { type Beginning, type Connection, type Database, gatesLock, type Patience, patient } from './connection.ts'
import { Counters } from './counters.ts'
import { mayPass } from './failure.ts'
import { GroupCommit } from './group-commit.ts'
import { lockMessages } from './locked-messages.ts'
import { bucketsOfSettlements, Settlements } from './settle.ts'

/** What SES said is not given up lightly. Told twice, it counts once. */
const stubborn: Patience = { forMs: 60_000, pauseMs: 100, repeatable: true }

/** Claims share the gates' lock: a change of a gate waits for those that have begun, and later ones wait for it. */
const claiming: Beginning = { lock: { name: gatesLock, shared: true }, limitMs: 2_000 }
const settling: Beginning = { limitMs: 2_000 }

type Item = { readonly claim: ClaimRequest } | { readonly settlement: Settlement }

/** Claims and settlements of this process. Those that arrive while a commit runs share the next one. */
export function exchangeOf(connection: Connection, clocks: Clocks): Pick<Outbox, 'claim' | 'settle'> {
  const commits = new GroupCommit<Item, Claim | Settled>({
    keyOf: messageIdOf,
    blames: (error) => !(error instanceof CommitAnswerLost) && !mayPass(error),
    run: (items) =>
      connection.transact((db) => exchange(connection, db, items, clocks), items.some(isClaim) ? claiming : settling),
  })
  return {
    async claim(claim) {
      try {
        return (await connection.insist(patient, () => commits.submit({ claim }))) as Claim
      } catch (error) {
        if (!(error instanceof CommitAnswerLost)) throw error
        return { kind: 'answer-lost', attempt: await findAttempt(connection, claim.token) }
      }
    },
    settle: async (settlement) => (await connection.insist(stubborn, () => commits.submit({ settlement }))) as Settled,
  }
}

/**
 * Locks and reads all that the items need, decides one after the other, and writes: a few statements for any number of items, of
 * which no two are of one message. Locks are taken in the same order by all: gates, messages, counters, pace, audit.
 */
async function exchange(
  connection: Connection,
  db: Database,
  items: readonly Item[],
  clocks: Clocks,
): Promise<(Claim | Settled | undefined)[]> {
  const requests = items.flatMap((item) => ('claim' in item ? [item.claim] : []))
  const settlements = items.flatMap((item) => ('claim' in item ? [] : [item.settlement]))
  const { messages, passedOver } = await lockMessages(db, items.map(messageIdOf))
  const buckets = [...bucketsOfClaims(requests, messages), ...bucketsOfSettlements(settlements, messages)]
  const counters = await Counters.lock(db, buckets)
  const claims = await Claims.read(db, requests, messages, counters)
  const answers = await Settlements.read(db, settlements, messages, counters)
  const databaseAt = await connection.now(db)

  for (const item of items) {
    // One that cannot wait any longer is refused as stale, before anything is looked at.
    if (passedOver.has(messageIdOf(item)) && !isStale(item, clocks)) continue
    if ('claim' in item) claims.decide(item.claim, clocks)
    else answers.decide(item.settlement)
  }
  const claimed = await claims.save(db, databaseAt)
  await counters.save(db)
  const settled = await answers.save(db, databaseAt)
  return items.map((item) => (isClaim(item) ? claimed : settled).get(messageIdOf(item)))
}

function isClaim(item: Item): boolean {
  return 'claim' in item
}

function messageIdOf(item: Item): string {
  return 'claim' in item ? item.claim.messageId : item.settlement.messageId
}

function isStale(item: Item, clocks: Clocks): boolean {
  return 'claim' in item && clocks.monotonicMs() > item.claim.freshUntilMonotonicMs
}
