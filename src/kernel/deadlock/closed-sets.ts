/**
 * Registers processes which their source has found closed: nothing inside such a process can wake any of its threads. A
 * deadlock is suspected until it is proven for all of its threads.
 */

import type { Process } from '../nodes/process.ts'
import type { Thread } from '../nodes/thread.ts'
import { byPidAndTid, type Deadlock } from './deadlock.ts'

interface ClosedSet {
  /** Number of threads which it had when the source looked. */
  readonly threads: number
  /** The open suspicion; null while the whole process is proven stuck, or is about to end. */
  reported: Deadlock | null
}

export interface ClosedSetPorts {
  readonly isStuck: (thread: Thread) => boolean
  readonly report: (members: readonly Thread[]) => Deadlock
  readonly resolve: (reported: Deadlock, how: 'proven' | 'changed' | 'ended') => void
}

export class ClosedSets {
  readonly #ports: ClosedSetPorts
  readonly #all = new Map<Process, ClosedSet>()
  /** A finding of the source has changed since the last report. */
  isChanged = false

  constructor(ports: ClosedSetPorts) {
    this.#ports = ports
  }

  /** The source has found the process closed, perhaps not for the first time. */
  found(process: Process): void {
    const reported = this.#all.get(process)?.reported ?? null
    this.#all.set(process, { threads: livingOf(process).length, reported })
    this.isChanged = true
  }

  over(process: Process, how: 'changed' | 'ended'): void {
    const reported = this.#all.get(process)?.reported ?? null
    this.#all.delete(process)
    if (reported !== null) this.#ports.resolve(reported, how)
  }

  /** Reports suspicions, and resolves those which are proven for all threads of the process. */
  report(): void {
    this.isChanged = false
    for (const [process, set] of this.#all) {
      const members = livingOf(process)
      const isProven = members.every((thread) => this.#ports.isStuck(thread))
      if (isProven && set.reported !== null) {
        this.#ports.resolve(set.reported, 'proven')
        set.reported = null
      } else if (!isProven && set.reported === null && members.length === set.threads) {
        // A process which has fewer threads by now may be ending: the source must look again.
        set.reported = this.#ports.report(members)
      }
    }
  }
}

function livingOf({ threads }: Process): Thread[] {
  return [...threads.values()].filter(({ condition }) => condition.state !== 'DEAD').sort(byPidAndTid)
}
