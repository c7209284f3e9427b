/** Runs an action of a command that may be ended at any time. */

/** An error after the command was ended is ignored; the result is then null. */
export async function unlessEnded<T>(ending: AbortSignal, doing: () => Promise<T>): Promise<T | null> {
  try {
    return await doing()
  } catch (error) {
    if (ending.aborted) return null
    throw error
  }
}
