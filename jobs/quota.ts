import type { Ledger } from '#ledger/ledger.ts'
import type { Mailer } from '#mail/mail.ts'
import type { Log } from '#observe/observe.ts'

export interface QuotaPorts {
  readonly ledger: Pick<Ledger, 'pace'>
  readonly mailer: Pick<Mailer, 'quota'>
  readonly log: Log
}

/** SES's rate and quota are asked for at most this often, by one process of all. */
export const quotaEveryMs = 60_000

/** Asks SES for its rate and quota. Without an answer the last known ones hold. */
export async function quota({ ledger, mailer, log }: QuotaPorts, signal: AbortSignal): Promise<void> {
  if (!(await ledger.pace.takeQuotaTurn(quotaEveryMs))) return
  try {
    await ledger.pace.setQuota(await mailer.quota(signal))
  } catch (error) {
    log.warn('quota.unknown', { code: error instanceof Error ? error.name : 'unknown' })
  }
}
