import { createHash, randomUUID } from 'node:crypto'
import type { Draft } from '#core/assembly.ts'
import type { Campaign, Stage } from '#core/campaign.ts'
import type { Edition } from '#core/letter.ts'
import type { NewReminder, OpenReminder } from '#core/reminder.ts'
import type { By, Ledger } from '#ledger/ledger.ts'
import { aCampaign } from '../core/given.ts'
import type { TestLedger } from './harness.ts'

export const ops: By = { actor: 'ops', reason: 'a test' }

/** A Monday, ten in the morning. */
export const monday = Date.UTC(2026, 10, 23, 10)

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs

export function campaignOf(key: string): Campaign {
  return aCampaign({ key, window: null })
}

/** An edition of a campaign; another `wording` is another edition. */
export function editionOf(campaign: string, wording = 'Your PIN expires'): Edition {
  const content = {
    campaign: campaignOf(campaign),
    template: {
      name: 'soft-pin',
      html: '<p>{{m.subject}}</p>',
      text: '{{m.subject}}',
      facts: { docsUrl: { required: true } },
      stages: campaignOf(campaign).stages,
      messages: { en: { subject: wording } },
    },
  }
  return { hash: createHash('sha256').update(JSON.stringify(content)).digest('hex'), ...content }
}

/** A new reminder of PIN `pinId`; open unless a skip is given. */
export function reminderOf(
  ledger: Ledger,
  pinId: string,
  more: Partial<NewReminder> & { address?: string } = {},
): NewReminder {
  const { address = `${pinId}@example.com`, ...rest } = more
  return {
    pinId,
    version: 'v1',
    stage: '7d',
    dueAt: monday,
    recipientKey: ledger.recipientKey(address),
    skip: null,
    ...rest,
  }
}

/** A draft to one address. */
export function draftOf(
  ledger: Ledger,
  address: string,
  reminders: readonly Pick<OpenReminder, 'id' | 'stage'>[],
  more: Partial<Draft> = {},
): Draft {
  return {
    recipientKey: ledger.recipientKey(address),
    address,
    locale: null,
    timeZone: 'UTC',
    notBefore: monday,
    notAfter: null,
    reminders: reminders.map(({ id, stage }) => ({ id, stage })),
    ...more,
  }
}

/** All open reminders of a campaign that no mail has claimed. */
export function openOf(ledger: Ledger, campaign: string): Promise<OpenReminder[]> {
  return ledger.plans.open(campaign, null, 10_000)
}

interface Seed {
  readonly campaign?: string
  readonly stage?: Stage
  readonly at?: number
  /** Default: at once, without an end. */
  readonly notBefore?: number
  readonly notAfter?: number | null
  /** Address of the n-th message, from 0. */
  readonly address?: (n: number) => string
  /** PINs named in each message. */
  readonly pinsEach?: number
}

/**
 * Enables the campaign and makes `n` pending messages in it, each to an address of its own, through the port alone. Gives their ids
 * in order of `n`. PIN ids and addresses are numbered from 0: seed a campaign once.
 */
export async function seedPending(ledger: Ledger, n: number, seed: Seed = {}): Promise<string[]> {
  const { campaign = 'soft-pin', stage = '7d', at = monday, notBefore = at, notAfter = null, pinsEach = 1 } = seed
  const address = seed.address ?? ((index: number) => `${campaign}-${index}@example.com`)
  const addresses = Array.from({ length: n }, (_, index) => address(index))

  await ledger.editions.enable(editionOf(campaign), ops)
  const inserts = addresses.flatMap((to, index) =>
    Array.from({ length: pinsEach }, (_, pin) =>
      reminderOf(ledger, `${campaign}-${index}-${pin}`, { stage, dueAt: at, address: to }),
    ),
  )
  await ledger.plans.write(campaign, { inserts, reopens: [] }, at)

  const byRecipient = Map.groupBy(await openOf(ledger, campaign), (one) => one.recipientKey)
  const drafts = addresses.map((to) => {
    const reminders = byRecipient.get(ledger.recipientKey(to)) ?? []
    return draftOf(ledger, to, reminders, { notBefore, notAfter })
  })
  await ledger.plans.assemble(campaign, { skips: [], drafts }, at)

  const messageOf = new Map((await openOf(ledger, campaign)).map((one) => [one.recipientKey, one.messageId]))
  return addresses.map((to) => {
    const id = messageOf.get(ledger.recipientKey(to))
    if (!id) throw new Error('a message was not assembled')
    return id
  })
}

/** Writes an attempt for a message behind the ledger's back, open unless `ended`; gives its number. */
export async function addAttempt(test: TestLedger, messageId: string, more: { ended?: boolean } = {}): Promise<number> {
  const token = `token-${randomUUID()}`
  const now = await test.ledger.databaseNow()
  const ended = more.ended ? `${now}, ${now}, 'accepted'` : 'null, null, null'
  await test.tamper(`
    insert into attempt (token, message_id, worker_name, worker_host, worker_pid, worker_incarnation,
      asked_database_at, lease_ends_database_at, began_at, ended_at, outcome)
    values ('${token}', '${messageId}', 'host:1', 'host', 1, 'boot-1', ${now}, ${now + 60_000}, ${ended})`)
  const [row] = await test.look(`select number from attempt where token = '${token}'`)
  return Number(row?.number)
}
