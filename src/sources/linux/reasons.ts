/** Lists the reasons that clients see where the live source cannot read or identify something. */

import { nameOfErrno } from './native/libc.ts'
import { isDenied } from './native/proc-files.ts'

export const permissionDenied = 'permission denied: needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH'

export const futexUnknown =
  'a futex wait: Linux does not distinguish a condition variable from a semaphore, or from a lock whose owner is not found'

/** The reason for a failed reading. `result` is a negated error number, as `ProcFiles` returns it. */
export function reasonOf(result: number): string {
  return isDenied(result) ? permissionDenied : nameOfErrno(-result)
}
