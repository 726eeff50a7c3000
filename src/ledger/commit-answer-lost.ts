import { ForewarnError } from '#core/errors.ts'

/** The commit may have happened or not: its answer did not arrive. */
export class CommitAnswerLost extends ForewarnError {
  constructor(cause: unknown) {
    super('ledger-unusable', 'the ledger did not say whether it has written the last change', {
      hint: 'look whether it is there, and try again if not; nothing was half written',
      cause,
    })
    this.name = 'CommitAnswerLost'
  }
}
