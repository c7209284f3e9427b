/** Reports whether some processes may not be read in full, and that they may again, or have ended. */

import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { Degrading } from './degrading.ts'

export function reportDenied(processes: Iterable<TrackedProcess>, degrading: Degrading): void {
  for (const { pid, denialReason, threadDenialReason, zombie } of processes) {
    const reason = denialReason ?? threadDenialReason
    if (reason === null || zombie) continue
    degrading.degraded('permission', `some processes cannot be read in full (first: process ${pid}): ${reason}`)
    return
  }
  degrading.recovered('permission')
}

/** Reads a process again from the beginning: what the kernel permits can change while the process is idle. */
export function retryDenied(process: TrackedProcess): void {
  process.forgetDenials()
  process.isIdle = false
  for (const thread of process.threads) thread.classifiedTimesRun = -1
}
