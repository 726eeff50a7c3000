/** After this many times its patience, an answer that is still out is not waited for any more: a new one is asked for. */
const lostAfter = 10

/**
 * Asks, and waits `withinMs` for the answer; then rejects. While an answer is out nobody asks again, and later askers wait for the
 * same one: however often one looks, what is stuck is not asked ever more.
 */
export function timely<T>(ask: () => Promise<T>, withinMs: number): () => Promise<T> {
  let asked: { readonly answer: Promise<T>; readonly atMs: number } | null = null
  return async () => {
    const nowMs = performance.now()
    if (asked === null || nowMs - asked.atMs > withinMs * lostAfter) asked = { answer: ask(), atMs: nowMs }
    const mine = asked
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new Error(`no answer within ${withinMs} ms`)), withinMs)
    const forget = (): void => {
      if (asked === mine) asked = null
    }
    mine.answer.then(forget, forget)
    try {
      return await Promise.race([mine.answer, late.promise])
    } finally {
      clearTimeout(timer)
    }
  }
}
