/** Records which threads wait for which objects, as a source has observed it, inside a `kernel.update`. */

import type { Kernel } from './kernel.ts'
import type { Process } from './nodes/process.ts'
import type { Thread } from './nodes/thread.ts'
import type { ThreadWait } from './nodes/wait.ts'

/**
 * Replaces the observed waits by those that a source has found at one moment. A thread without an entry is not known
 * to wait for any other. Preconditions: neither the waiting threads nor the releasers have ended.
 */
export function waitsObserved(kernel: Kernel, waits: ReadonlyMap<Thread, ThreadWait>): void {
  for (const thread of kernel.waits.keys()) if (!waits.has(thread)) setWait(kernel, thread, null)
  for (const [thread, wait] of waits) if (!sameWait(thread.observedWait, wait)) setWait(kernel, thread, wait)
  kernel.waits = new Map(waits)
}

/**
 * Replaces the observed closed sets. In such a process every thread waits for ever for something inside the process, so
 * none of them can run again.
 */
export function closedSetsObserved(kernel: Kernel, processes: ReadonlySet<Process>): void {
  for (const process of kernel.closedSets) if (!processes.has(process)) kernel.deadlocks.closedSet(process, false)
  for (const process of processes) kernel.deadlocks.closedSet(process, true)
  kernel.closedSets = new Set(processes)
}

/**
 * Removes the wait of a thread that has ended, and all waits for it. Only the source can find out whether a lock that
 * the thread owned stays locked.
 */
export function endWaits(kernel: Kernel, ended: Thread): void {
  if (kernel.waits.size === 0) return
  for (const [thread, { releaser }] of kernel.waits) {
    if (thread !== ended && releaser !== ended) continue
    kernel.waits.delete(thread)
    setWait(kernel, thread, null)
  }
}

function sameWait(one: ThreadWait | null, other: ThreadWait): boolean {
  return (
    one?.state === other.state &&
    one.object === other.object &&
    one.releaser === other.releaser &&
    one.owner === other.owner &&
    one.evidence === other.evidence
  )
}

function setWait(kernel: Kernel, thread: Thread, wait: ThreadWait | null): void {
  thread.observedWait = wait
  if (wait === null) kernel.deadlocks.unblocked(thread, { what: 'changed' })
  else kernel.deadlocks.blocked(thread, 'observed')
  thread.revision++
  thread.parent.revision++
}
