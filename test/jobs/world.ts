import { randomUUID } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { portalGuard } from '#control/portal-guard.ts'
import type { Campaign } from '#core/campaign.ts'
import type { Clocks } from '#core/clock.ts'
import type { CompiledTemplate, Edition } from '#core/letter.ts'
import type { Pin } from '#core/pin.ts'
import type { Faults } from '#inbox/faults.ts'
import { type RunningInbox, startInbox } from '#inbox/server.ts'
import { type ScanPorts, type ScanResult, scan } from '#jobs/scan.ts'
import { type SendPorts, type SendReport, send } from '#jobs/send.ts'
import { type SettlePorts, settle } from '#jobs/settle.ts'
import type { Ledger, MessageDetail, Outbox, Worker } from '#ledger/ledger.ts'
import { createComposer } from '#mail/compose.ts'
import { editionOf } from '#mail/edition.ts'
import { ledgerPace } from '#mail/pace.ts'
import { sesMailer } from '#mail/ses-client.ts'
import type { Log, LogFields } from '#observe/observe.ts'
import { aCampaign, aPin } from '../core/given.ts'
import { dayMs, hourMs, monday, ops } from '../ledger/fixtures.ts'
import type { TestLedger } from '../ledger/harness.ts'
import { sqliteHarness } from '../ledger/sqlite-harness.ts'
import { givenTemplate } from '../mail/given-letter.ts'

export { dayMs, hourMs, monday, ops }

export const never = new AbortController().signal

/** So many times slower the clocks of a process go here: however busy the machine is, no slot grows old by itself. */
const slowness = 20

/** Business time stands still until a test sets it; the process's own clocks go on slowly, and can be put forward. */
export class TestClocks implements Clocks {
  businessAt = monday
  readonly #startedAt = Date.now()
  readonly #startedMs = performance.now()
  #passedMs = 0

  business(): number {
    return this.businessAt
  }

  wall(): number {
    return this.#startedAt + Math.floor(this.monotonicMs())
  }

  monotonicMs(): number {
    return (performance.now() - this.#startedMs) / slowness + this.#passedMs
  }

  /** Time goes by for this process. */
  pass(ms: number): void {
    this.#passedMs += ms
  }
}

/** A log that keeps its lines. */
export class TestLog implements Log {
  readonly lines: { level: string; event: string; fields: LogFields }[] = []
  readonly debug = this.#keep('debug')
  readonly info = this.#keep('info')
  readonly warn = this.#keep('warn')
  readonly error = this.#keep('error')

  events(): string[] {
    return this.lines.map(({ event }) => event)
  }

  #keep(level: string) {
    return (event: string, fields: LogFields = {}) => void this.lines.push({ level, event, fields })
  }
}

/** What must never be in a log: an address, a name, the id of a PIN, as `aHolder` makes them. */
export const secret = /@|Lovelace|pin-of-/

/** The PIN of somebody, which expires in seven days. Another `n` is another PIN of theirs. */
export function aHolder(who: string, differs: Partial<Pin> & { n?: number } = {}): Pin {
  const { n = 1, ...rest } = differs
  return aPin({
    pinId: `pin-of-${who}-${n}`,
    email: `${who}@example.org`,
    name: `${who} Lovelace`,
    expiresAt: monday + 7 * dayMs + 2 * hourMs,
    ...rest,
  })
}

/** A small template with words for every stage, which names the account of each PIN. */
export const template: CompiledTemplate = (() => {
  const small = givenTemplate()
  const words = { ...small.messages.en, 'subject.30d': '30', 'subject.14d': '14', 'subject.1d': '1' }
  return {
    ...small,
    text: `${small.text}\n{{#each pins}}\n{{#if account}}\n{{account}}\n{{/if}}\n{{/each}}`,
    stages: ['30d', '14d', '7d', '1d', 'expired'],
    messages: { en: words },
  }
})()

export interface WorldOptions {
  readonly campaign?: Partial<Campaign>
  readonly template?: CompiledTemplate
  readonly faults?: Faults
  /** Where SES is, when it is not the inbox. */
  readonly endpoint?: string
}

/**
 * A portal, a ledger, SES's stand-in, and the ports of the jobs between them. One campaign is enabled, which warns 7 days
 * and 1 day ahead, and of what has expired.
 */
export interface World extends TestLedger {
  readonly clocks: TestClocks
  readonly log: TestLog
  readonly inbox: RunningInbox
  readonly campaign: Campaign
  readonly edition: Edition
  /** Ends the process, as far as the jobs see it. */
  readonly end: AbortController
  readonly ports: SendPorts & ScanPorts & SettlePorts & { ledger: Ledger }
  /** Brings PINs into the portal, in the place of those with the same ids. */
  hold(this: void, ...pins: Pin[]): Promise<void>
  /** Takes a PIN out of the portal. */
  drop(this: void, pin: Pin): Promise<void>
  scan(this: void, differs?: Partial<ScanPorts>): Promise<ScanResult | null>
  send(this: void, messageId: string, differs?: Partial<SendPorts>, signal?: AbortSignal): Promise<SendReport>
  settle(this: void, differs?: Partial<SettlePorts>): Promise<{ doubts: number }>
  /** Brings PINs into the portal, scans, and gives the ids of the pending messages to these people, in their order. */
  due(this: void, ...pins: Pin[]): Promise<string[]>
  /** The only message that is pending. */
  pending(this: void): Promise<string>
  message(this: void, id: string): Promise<MessageDetail>
  /** Every reminder by its PIN and stage: `open`, why it was skipped, or how it ended. */
  reminders(this: void): Promise<Record<string, string>>
}

export const thisProcess: Worker = { name: 'here:1', host: 'here', pid: 1, incarnation: 'boot 1' }
export const thatProcess: Worker = { name: 'here:2', host: 'here', pid: 2, incarnation: 'boot 2' }

/** A new world on Monday, ten in the morning, UTC. It ends with the test. */
export async function newWorld(options: WorldOptions = {}): Promise<World> {
  const clocks = new TestClocks()
  const test = await sqliteHarness.open({ clocks })
  const { ledger, pinTable } = test
  const faults = options.faults ?? {}
  const inbox = await startInbox({ faults, account: { maxSendRate: 10_000 } })
  const mailer = sesMailer({
    timeoutMs: 20_000,
    concurrency: 5,
    clocks,
    endpoint: options.endpoint ?? inbox.url,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  onTestFinished(async () => {
    mailer.close()
    await inbox.stop()
    await test.close()
  })

  const campaign = aCampaign({
    stages: ['7d', '1d', 'expired'],
    facts: { docsUrl: 'https://example.com/docs' },
    ...options.campaign,
  })
  const edition = editionOf(campaign, options.template ?? template)
  await ledger.editions.enable(edition, ops)

  const log = new TestLog()
  const end = new AbortController()
  const ports: World['ports'] = {
    ledger,
    edition: async (hash) => (await ledger.editions.byHash(hash)) ?? Promise.reject(new Error('no such edition')),
    pins: pinTable,
    stale: async () => false,
    guard: portalGuard({ ledger, clocks, log }),
    pace: ledgerPace(ledger.pace, { perSecond: 1_000, reserve: 0 }, clocks, log),
    composer: createComposer(),
    mailer,
    clocks,
    worker: thisProcess,
    token: randomUUID,
    log,
    policy: {
      from: '"Partner Portal" <portal@example.com>',
      source: 'portal@example.com',
      replyTo: 'help@example.com',
      configurationSet: 'forewarn',
      timeoutMs: 20_000,
      perAddressPerDay: 3,
    },
    ending: end.signal,
    provenGone: () => false,
    timeoutMs: 20_000,
  }

  const world: World = {
    ...test,
    clocks,
    log,
    inbox,
    campaign,
    edition,
    end,
    ports,
    hold: (...pins) => pinTable.upsert(pins),
    drop: ({ pinId }) => test.tamper(`delete from pin where pin_id = '${pinId}'`),
    scan: (differs) => scan({ ...ports, ...differs }, { campaign }, never),
    send: (messageId, differs, signal = never) => send({ ...ports, ...differs }, { messageId }, signal),
    settle: (differs) => settle({ ...ports, ...differs }),
    async due(...pins) {
      await world.hold(...pins)
      await world.scan()
      const ids = await ledger.outbox.sendable(clocks.business(), 10_000)
      const messages = await Promise.all(ids.map((id) => world.message(id)))
      return pins.map(({ email }) => found(messages.find(({ address }) => address === email)).id)
    },
    async pending() {
      const { rows } = await ledger.reports.messages({ state: 'pending', limit: 2 })
      if (rows.length !== 1) throw new Error(`${rows.length} messages are pending`)
      return found(rows[0]).id
    },
    message: async (id) => found(await ledger.reports.message(id)),
    async reminders() {
      const what = "pin_id || ' ' || stage as reminder, coalesce(reason, outcome, 'open') as end"
      const rows = await test.look(`select ${what} from reminder order by 1`)
      return Object.fromEntries(rows.map(({ reminder, end }) => [reminder, end]))
    },
  }
  return world
}

/** The same ledger, where something happens right before a claim is made. */
export function beforeClaim(ledger: Ledger, act: () => unknown): Ledger {
  const claim: Outbox['claim'] = async (request) => {
    await act()
    return ledger.outbox.claim(request)
  }
  return { ...ledger, outbox: { ...ledger.outbox, claim } }
}

/** The same ledger, where something happens right after a claim was made. */
export function afterClaim(ledger: Ledger, act: () => unknown): Ledger {
  const claim: Outbox['claim'] = async (request) => {
    const answer = await ledger.outbox.claim(request)
    await act()
    return answer
  }
  return { ...ledger, outbox: { ...ledger.outbox, claim } }
}

/** The calls that were to send something, in order of beginning. */
export function callsOf({ inbox }: Pick<World, 'inbox'>) {
  return inbox.calls.where(({ action }) => action === null || action.startsWith('Send'))
}

function found<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('not found')
  return value
}
