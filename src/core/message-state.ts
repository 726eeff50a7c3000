/** The states of a message. This file alone says which moves are legal. */
export const messageStates = ['pending', 'sending', 'sent', 'in_doubt', 'failed', 'skipped'] as const
export type MessageState = (typeof messageStates)[number]

const moves: Readonly<Record<MessageState, readonly MessageState[]>> = {
  pending: ['sending', 'skipped'],
  sending: ['sent', 'pending', 'failed', 'in_doubt'],
  in_doubt: ['sent', 'pending', 'failed'],
  sent: [],
  failed: [],
  skipped: [],
}

/** True when a message in state `from` may become `to`. */
export function mayMove(from: MessageState, to: MessageState): boolean {
  return moves[from].includes(to)
}
