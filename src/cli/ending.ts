/** Ends long-running commands on SIGINT, SIGTERM and SIGHUP. */

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Returns a controller that the first such signal aborts, so that the command can end normally. A second signal kills.
 */
export function endOnSignals(): AbortController {
  const ending = new AbortController()
  for (const signal of signals) process.once(signal, () => ending.abort())
  return ending
}
