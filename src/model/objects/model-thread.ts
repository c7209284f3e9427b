/** Represents a thread of the model, with its state in kernel calls, waits, signals and priorities. */

import type { Errno } from '../../kernel/errno.ts'
import { Thread, type ThreadCondition } from '../../kernel/nodes/thread.ts'
import type { Lock, Wait } from '../../kernel/nodes/wait.ts'
import { noSignals, type PendingSignal, type SignalSet } from '../signals.ts'
import type { Blocker, Described } from './blocker.ts'
import { describeBlocker, waitOf } from './blocker.ts'
import type { Channel, Message } from './channel.ts'
import type { ModelProcess } from './model-process.ts'
import type { Mutex } from './sync.ts'
import type { CpuExpiry, ThreadTimeout } from './timer.ts'
import type { WaitQueue } from './wait-queue.ts'

/** Result of a call by name. The value is empty when the call only succeeds. */
export type Returned =
  | { readonly call: string; readonly value: Readonly<Record<string, unknown>> }
  | { readonly call: string; readonly errno: Errno }

const nonePending: readonly PendingSignal[] = []

export class ModelThread extends Thread {
  declare readonly parent: ModelProcess
  declare priority: number
  /** Priority which was given to it. `priority` includes what it inherits. */
  realPriority: number
  /** Priority of the message or pulse which it received last; null while it runs at its own. */
  servedPriority: number | null = null
  /** The message which it serves, until the client of that does not wait any more. */
  serving: Message | null = null
  /** Channel on which it received last, when receivers there inherit priorities. */
  receivedOn: Channel | null = null
  /** Mutexes which it owns. Most threads own none, and have no set. */
  owned: Set<Mutex> | null = null
  /** The first thread of its process, to which RLIMIT_STACK applies. Another thread may have its tid later. */
  readonly isMain: boolean
  detached: boolean
  joiner: ModelThread | null = null
  /** Status of a thread which has ended and is not joined. */
  status = 0
  blocker: Blocker | null = null
  returned: Returned | null = null
  mask: SignalSet = noSignals
  pending: readonly PendingSignal[] = nonePending
  timeout: ThreadTimeout | null = null
  /** Parts of its CPU time of the last second. Each expires when it leaves that window. */
  shares: Set<CpuExpiry> | null = null
  /** Sum of these parts, in µs. */
  recentUs = 0
  /** Number of its wait. It counts up over the whole machine, and says which thread came first. */
  arrival = 0
  queue: WaitQueue | null = null
  previous: ModelThread | null = null
  next: ModelThread | null = null

  constructor(
    process: ModelProcess,
    birth: {
      tid: number
      name: string
      priority: number
      isMain: boolean
      detached: boolean
      condition: ThreadCondition
    },
  ) {
    super(process, { tid: birth.tid, name: birth.name, since: birth.condition.since })
    this.condition = birth.condition
    this.priority = birth.priority
    this.realPriority = birth.priority
    this.isMain = birth.isMain
    this.detached = birth.detached
  }

  /** Something has changed which clients see. */
  noteChange(): void {
    this.revision++
    this.parent.revision++
  }

  override get isRemoved(): boolean {
    return this.isDead
  }

  get isDead(): boolean {
    return this.condition.state === 'DEAD'
  }

  override get waitsOn(): Described | null {
    return this.blocker === null ? null : describeBlocker(this.blocker)
  }

  /**
   * A thread that must take a mutex before it returns from a wait for a condition waits for the mutex in any case: its
   * timeout only changes the result.
   */
  override get isTimed(): boolean {
    const { blocker, timeout } = this
    if (blocker === null || timeout === null || !timeout.states.has(blocker.state)) return false
    return blocker.state === 'MUTEX' ? blocker.after.outcome === 'locked' : blocker.state !== 'CONDVAR'
  }

  override get wait(): Wait | null {
    return this.blocker === null ? null : waitOf(this.blocker, this.isTimed)
  }

  override get lock(): Lock | null {
    const { blocker } = this
    return blocker?.state === 'MUTEX' || blocker?.state === 'CONDVAR' ? blocker.mutex : null
  }
}
