/**
 * A signal that aborts when the process is asked to end (SIGINT, SIGTERM). A second one ends it at once: what was in
 * flight then stays open in the ledger, and becomes a doubt.
 */
export function untilAsked(): AbortController {
  const ending = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (ending.signal.aborted) process.exit(1)
      ending.abort()
    })
  }
  return ending
}
