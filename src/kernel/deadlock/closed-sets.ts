/**
 * Processes that their source has found closed: nothing inside of them can wake any of their threads. That is suspected as
 * long as it is not proven of all of them.
 */

import type { Process } from '../nodes/process.ts'
import type { Thread } from '../nodes/thread.ts'
import { byPidAndTid, type Deadlock } from './deadlock.ts'

interface ClosedSet {
  /** How many it had when the source looked. */
  readonly threads: number
  /** Null while it is proven stuck as a whole, or is about to end. */
  told: Deadlock | null
}

export interface ClosedSetPorts {
  readonly isStuck: (thread: Thread) => boolean
  readonly tell: (members: readonly Thread[]) => Deadlock
  readonly resolve: (told: Deadlock, how: 'proven' | 'changed' | 'ended') => void
}

export class ClosedSets {
  readonly #ports: ClosedSetPorts
  readonly #all = new Map<Process, ClosedSet>()
  /** What the source says of them has changed since they were told. */
  isChanged = false

  constructor(ports: ClosedSetPorts) {
    this.#ports = ports
  }

  /** The source has looked at it, perhaps not for the first time. */
  found(process: Process): void {
    const told = this.#all.get(process)?.told ?? null
    this.#all.set(process, { threads: livingOf(process).length, told })
    this.isChanged = true
  }

  over(process: Process, how: 'changed' | 'ended'): void {
    const told = this.#all.get(process)?.told ?? null
    this.#all.delete(process)
    if (told !== null) this.#ports.resolve(told, how)
  }

  /** What is proven of all threads of a process is suspected no more. */
  tell(): void {
    this.isChanged = false
    for (const [process, set] of this.#all) {
      const members = livingOf(process)
      const isProven = members.every((thread) => this.#ports.isStuck(thread))
      if (isProven && set.told !== null) {
        this.#ports.resolve(set.told, 'proven')
        set.told = null
      } else if (!isProven && set.told === null && members.length === set.threads) {
        // Of one that has fewer threads by now, as because it ends, the source is to tell again.
        set.told = this.#ports.tell(members)
      }
    }
  }
}

function livingOf({ threads }: Process): Thread[] {
  return [...threads.values()].filter(({ condition }) => condition.state !== 'DEAD').sort(byPidAndTid)
}
