/** Finds how long ago the machine of a /proc was booted. */

import { SourceError } from '../../source.ts'
import { bootAgeTicks } from './clocks.ts'
import type { ProcNamespace } from './proc-namespace.ts'
import { readRequiredFile } from './required-file.ts'

const tickMs = 10
// More than a century. An earlier boot would give times that are no dates.
const secondsMax = 2 ** 32

/**
 * A copy of /proc has the age of the machine that it was copied from, in its own file.
 * @throws SourceError if the file has no age
 */
export function bootAgeMs(procRoot: string, { isProc }: Pick<ProcNamespace, 'isProc'>): number {
  if (isProc) return bootAgeTicks() * tickMs
  const seconds = Number.parseFloat(readRequiredFile(procRoot, 'uptime'))
  if (seconds >= 0 && seconds <= secondsMax) return seconds * 1000
  throw new SourceError(`${procRoot}/uptime does not begin with a number of seconds`)
}
