/**
 * Ends this process with the npx that started it. npx passes a signal only to its shell, which ends and leaves the
 * command behind: so `kill` of npx would leave a service that nobody knows of.
 */

import { bounds } from '../base/bounds.ts'

/** Looks for another parent from time to time, because Linux sends no signal to a process whose parent ends. */
export function endWithNpx({ npm_lifecycle_event: script }: NodeJS.ProcessEnv): void {
  if (script !== 'npx') return
  const parent = process.ppid
  const looking = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(looking)
    process.kill(process.pid, 'SIGTERM')
  }, bounds.parentLookMs)
  looking.unref()
}
