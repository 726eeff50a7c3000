/**
 * Statements that are prepared at their first use, and once: a ledger can be opened for its stop alone, before or after the
 * migration that this code knows.
 */
export function prepared<T>(prepare: () => T): () => T {
  let statements: T | null = null
  return () => {
    statements ??= prepare()
    return statements
  }
}
