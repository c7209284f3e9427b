/** How a command that goes on by itself is ended. */

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Aborted by the first signal that asks for an end, which then is no death; a second one kills. */
export function endOnSignals(): AbortController {
  const ending = new AbortController()
  for (const signal of signals) process.once(signal, () => ending.abort())
  return ending
}
