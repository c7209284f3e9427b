/**
 * Ends this process with the `npx` or `npm start` that started it. They pass a signal only to their shell, which ends
 * and leaves the command behind: so `kill` of them would leave a service that nobody knows of. `exec` in the script
 * would need a POSIX shell.
 */

import { bounds } from '../base/bounds.ts'

/** Looks for another parent from time to time, because Linux sends no signal to a process whose parent ends. */
export function endWithNpm(environment: NodeJS.ProcessEnv): void {
  if (!isStartedByNpm(environment)) return
  const parent = process.ppid
  const looking = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(looking)
    process.kill(process.pid, 'SIGTERM')
  }, bounds.parentLookMs)
  looking.unref()
}

/** A script `start` of another package may start a service that is to outlive it. */
function isStartedByNpm({ npm_lifecycle_event: script, npm_package_name: name }: NodeJS.ProcessEnv): boolean {
  return script === 'npx' || (script === 'start' && name === 'introspectd')
}
