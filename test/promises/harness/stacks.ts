import { describe } from 'vitest'

/** Where a site of this stack keeps its ledger and its queue. All that differs between stacks stands here. */
export interface Stack {
  readonly name: string
  /** Settings of a fresh ledger and queue; `folder` is the site's own. */
  settingsIn(folder: string): { readonly database: string; readonly queue: string }
}

const embedded: Stack = {
  name: 'embedded',
  settingsIn: () => ({ database: 'file:./forewarn.db', queue: 'embedded:' }),
}

const stacks: readonly Stack[] = [embedded]

/** A test starts a good ten processes, and a busy machine may take its time for each. */
const timeout = 240_000

/** Tries to break one promise on every stack. */
export function onEveryStack(promise: string, tests: (stack: Stack) => void): void {
  describe.each(stacks)(`${promise}, on the stack $name`, { timeout }, tests)
}
