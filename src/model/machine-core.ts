/**
 * Defines the parts of a machine which kernel calls read and change. `Machine` adds what its clients can do with it.
 */

import type { Kernel } from '../kernel/kernel.ts'
import { type Dispose, Listeners } from '../kernel/listeners.ts'
import type { ThreadCondition } from '../kernel/nodes/thread.ts'
import type { ThreadState } from '../kernel/states.ts'
import { TimerWheel } from '../kernel/time/timer-wheel.ts'
import type { ModelThread } from './objects/model-thread.ts'
import type { Sync } from './objects/sync.ts'
import type { ModelTimer } from './objects/timer.ts'
import { ResourcePools } from './pools.ts'
import { ProcessTable } from './process-table.ts'

export class MachineCore {
  readonly kernel: Kernel
  readonly wheel: TimerWheel<ModelTimer>
  readonly processes: ProcessTable
  readonly pools: ResourcePools
  /** Synchronisation objects whose names begin with /. All processes share them. */
  readonly shared = new Map<string, Sync>()
  /** The thread which made the last call. */
  running: ModelThread | null = null
  /** Waits and queued pulses so far. The number orders those which have the same priority. */
  arrivals = 0
  readonly #returns = new Listeners<ModelThread>()
  #condition: ThreadCondition | null = null

  constructor(kernel: Kernel) {
    this.kernel = kernel
    this.wheel = new TimerWheel(kernel.now)
    this.processes = new ProcessTable(kernel.processes)
    this.pools = new ResourcePools(kernel)
  }

  /** Calls the listener after each call in which a thread was blocked has returned. */
  onReturn(listener: (thread: ModelThread) => void): Dispose {
    return this.#returns.add(listener)
  }

  notifyReturn(thread: ModelThread): void {
    this.#returns.notify(thread)
  }

  nextArrival(): number {
    return ++this.arrivals
  }

  /**
   * The condition of a thread which enters a state now. Threads which enter the same state at once share one object.
   */
  conditionOf(state: ThreadState): ThreadCondition {
    const since = this.kernel.now
    if (this.#condition?.state !== state || this.#condition.since !== since)
      this.#condition = { state, on: null, certain: true, why: null, since }
    return this.#condition
  }
}
