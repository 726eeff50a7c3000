import { parseReference } from '#core/reference.ts'
import type { Ledger, MessageDetail } from '#ledger/ledger.ts'
import type { ComposedMail, Composer } from '#mail/mail.ts'

/** One message, and the mail that was made of it. */
export interface MessageView {
  readonly detail: MessageDetail
  /** null: it was not composed yet, or the retention has passed. */
  readonly mail: ComposedMail | null
}

/** Finds a message by id or reference (read without regard to case, spaces and hyphens), and makes its mail again of what was kept. */
export async function showMessage(
  { ledger, composer }: { ledger: Pick<Ledger, 'reports' | 'editions'>; composer: Composer },
  idOrReference: string,
): Promise<MessageView | null> {
  const detail = await ledger.reports.message(parseReference(idOrReference) ?? idOrReference.trim())
  if (detail === null) return null
  const { values, editionHash } = detail
  const edition = values === null || editionHash === null ? null : await ledger.editions.byHash(editionHash)
  return { detail, mail: edition === null || values === null ? null : composer.compose(edition, values) }
}
