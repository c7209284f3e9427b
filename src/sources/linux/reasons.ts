/** Lists the reasons that clients see where the live source cannot read or identify something. */

import { nameOfErrno } from './native/libc.ts'
import { isDenied, isMissing } from './native/proc-files.ts'

export const permissionDenied = 'permission denied: needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH'

export const tooLarge = 'the kernel reports a number of 2^53 or more, which cannot be counted exactly'
export const notWhole = 'the kernel reports something that is not a whole number of 0 or more'

export const futexUnknown =
  'a futex wait: Linux does not distinguish a condition variable from a semaphore, or from a lock whose owner is not found'

export const noFile = 'the kernel does not offer it: there is no such file in /proc'
export const unknownForm = 'the kernel reports it in an unknown form'

/** The reason for a failed reading. `result` is a negated error number, as `ProcFiles` returns it. */
export function reasonOf(result: number): string {
  if (isMissing(result)) return noFile
  return isDenied(result) ? permissionDenied : nameOfErrno(-result)
}

export function whyForeign(procRoot: string): string {
  return `${procRoot} is the procfs of another pid namespace: no actions, no owners of locks, and births are found by polling`
}
