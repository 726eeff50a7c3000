import { quotaEveryMs } from '#core/pace.ts'
import type { Ledger } from '#ledger/ledger.ts'
import type { Mailer } from '#mail/mail.ts'
import type { Log } from '#observe/observe.ts'

export interface QuotaPorts {
  readonly ledger: Pick<Ledger, 'pace'>
  readonly mailer: Pick<Mailer, 'quota'>
  readonly log: Log
}

/** Asks SES for its rate and quota, at most every `quotaEveryMs` and by one process of all. Without an answer the last known ones hold. */
export async function quota({ ledger, mailer, log }: QuotaPorts, signal: AbortSignal): Promise<void> {
  if (!(await ledger.pace.takeQuotaTurn(quotaEveryMs))) return
  try {
    await ledger.pace.setQuota(await mailer.quota(signal))
  } catch (error) {
    log.warn('quota.unknown', { code: error instanceof Error ? error.name : 'unknown' })
  }
}
