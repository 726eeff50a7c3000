import type { Instant } from '#core/instant.ts'

/** What the made-up AWS account is like. Nothing of it limits sending by itself: the faults `rate` and `daily-quota` do. */
export interface Account {
  /** Recipients in 24 hours, and recipients a second, as GetSendQuota tells them; −1 = unlimited. */
  max24HourSend: number
  maxSendRate: number
  /** What others in the same account have sent in the last 24 hours, counted on top of the inbox's own. */
  sentByOthers: number
  /** False after AWS, or UpdateAccountSendingEnabled, has paused the whole account. */
  sendingEnabled: boolean
  /** Configuration sets that exist, by name, and whether sending through them is on. */
  configurationSets: Record<string, { sendingEnabled: boolean }>
  /** Addresses and domains that are not verified; all others are, with DKIM. */
  unverified: readonly string[]
}

const dayMs = 24 * 60 * 60 * 1000

/** An account like one that left the sandbox lately: 50,000 a day, 14 a second, and a configuration set `forewarn`. */
export function newAccount(given: Partial<Account> = {}): Account {
  return {
    max24HourSend: 50_000,
    maxSendRate: 14,
    sentByOthers: 0,
    sendingEnabled: true,
    configurationSets: { forewarn: { sendingEnabled: true } },
    unverified: [],
    ...given,
  }
}

export function isVerified(account: Account, identity: string): boolean {
  const address = identity.toLowerCase()
  const domain = address.slice(address.lastIndexOf('@') + 1)
  return !account.unverified.some((name) => name.toLowerCase() === address || name.toLowerCase() === domain)
}

/** Counts accepted recipients over the last 24 hours, as SES counts its daily quota. */
export class SentRecently {
  #sent: { at: Instant; recipients: number }[] = []
  #total = 0

  add(at: Instant, recipients: number): void {
    this.#sent.push({ at, recipients })
    this.#total += recipients
  }

  count(now: Instant): number {
    const oldest = this.#sent.findIndex((entry) => entry.at > now - dayMs)
    const past = this.#sent.splice(0, oldest === -1 ? this.#sent.length : oldest)
    for (const entry of past) this.#total -= entry.recipients
    return this.#total
  }
}
