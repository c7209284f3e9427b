/**
 * Lists threads of which the scan worker has sent readings that were not recorded, because the thread was not
 * registered yet or a newer change was known. The worker does not send the same readings twice, so it has to read these
 * again.
 */

import { listedProcesses } from '../processes/inventory.ts'
import type { ProcessRegistry } from '../processes/process-registry.ts'
import type { ThreadId } from '../protocol.ts'

export class UnrecordedThreads {
  readonly #registry: ProcessRegistry
  /** The tids by pid. Their number is bounded by the threads of the machine: each inventory removes the others. */
  readonly #tids = new Map<number, Set<number>>()

  constructor(registry: ProcessRegistry) {
    this.#registry = registry
  }

  /** A tid of 0 stands for the facts of the process. */
  add(pid: number, tid: number): void {
    const tids = this.#tids.get(pid)
    if (tids === undefined) this.#tids.set(pid, new Set([tid]))
    else tids.add(tid)
  }

  /** Removes threads that an inventory does not list: they have ended. */
  confine(inventory: Float64Array): void {
    if (this.#tids.size === 0) return
    const listed = new Map<number, ReadonlySet<number>>()
    for (const { pid, tids } of listedProcesses(inventory))
      if (this.#tids.has(pid)) listed.set(pid, new Set(tids).add(0))
    for (const [pid, tids] of this.#tids) {
      const living = tids.intersection(listed.get(pid) ?? new Set())
      if (living.size === 0) this.#tids.delete(pid)
      else this.#tids.set(pid, living)
    }
  }

  /** Removes and returns the threads that are registered by now: readings of them will be recorded. */
  takeRegistered(): ThreadId[] {
    const taken: ThreadId[] = []
    for (const [pid, tids] of this.#tids) {
      const threads = this.#registry.byPid.get(pid)?.process.threads
      for (const tid of tids) {
        if (tid !== 0 && !threads?.has(tid)) continue
        taken.push({ pid, tid })
        tids.delete(tid)
      }
      if (tids.size === 0) this.#tids.delete(pid)
    }
    return taken
  }
}
