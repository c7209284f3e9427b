/** Finds how long ago the machine of a /proc was booted. */

import { bootAgeTicks } from './clocks.ts'
import type { ProcNamespace } from './proc-namespace.ts'
import { readRequiredFile } from './required-file.ts'

const tickMs = 10

/** A copy of /proc has the age of the machine that it was copied from, in its own file. */
export function bootAgeMs(procRoot: string, { isProc }: Pick<ProcNamespace, 'isProc'>): number {
  return isProc ? bootAgeTicks() * tickMs : Number.parseFloat(readRequiredFile(procRoot, 'uptime')) * 1000
}
