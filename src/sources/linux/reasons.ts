/** Lists the reasons that clients see where the live source cannot read or identify something. */

import { readDeniedProcess, readSurroundings } from './native/denial-facts.ts'
import { nameOfErrno } from './native/libc.ts'
import { isDenied, isMissing } from './native/proc-files.ts'
import { denialOf } from './parse/denial.ts'
import type { TrackedProcess } from './tracked/tracked-process.ts'
import type { TrackedThread } from './tracked/tracked-thread.ts'

export const tooLarge = 'the kernel reports a number of 2^53 or more, which cannot be counted exactly'
export const notWhole = 'the kernel reports something that is not a whole number of 0 or more'

export const futexUnknown =
  'a futex wait: Linux does not distinguish a condition variable from a semaphore, or from a lock whose owner is not found'

export const noFile = 'the kernel does not offer it: there is no such file in /proc'
export const unknownForm = 'the kernel reports it in an unknown form'

/**
 * The reason for a failed reading. `result` is a negated error number, as `ProcFiles` returns it. Without the process,
 * the cause of a denial is unknown.
 */
export function reasonOf(process: TrackedProcess | null, result: number): string {
  if (isMissing(result)) return noFile
  if (!isDenied(result)) return nameOfErrno(-result)
  return process === null ? 'permission denied: unknown why' : whyDenied(process)
}

/** Like `reasonOf`, for one thread: a thread may have another user than its process. */
export function threadReasonOf(process: TrackedProcess, thread: TrackedThread, result: number): string {
  if (!isDenied(result) || thread.tid === process.liveTid) return reasonOf(process, result)
  thread.denialReason ??= denialOf(readDeniedProcess(`${process.path}/task/${thread.tid}`), readSurroundings())
  process.threadDenialReason = thread.denialReason
  return thread.denialReason
}

/** The reason why a process may not be read in full. It is found once for each process, because many readings fail. */
function whyDenied(process: TrackedProcess): string {
  process.denialReason ??= denialOf(readDeniedProcess(process.path), readSurroundings())
  return process.denialReason
}

export function whyForeign(procRoot: string): string {
  return `${procRoot} is the procfs of another pid namespace: no actions, no owners of locks, and births are found by polling`
}
