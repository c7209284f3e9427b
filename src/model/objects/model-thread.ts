/** A thread of the model: what kernel calls have made of it. */

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

/** What a call returned; the value is empty for those that return nothing but success. */
export type Returned =
  | { readonly call: string; readonly value: Readonly<Record<string, unknown>> }
  | { readonly call: string; readonly errno: Errno }

const nonePending: readonly PendingSignal[] = []

export class ModelThread extends Thread {
  declare readonly parent: ModelProcess
  declare priority: number
  /** What it was given; `priority` is what it has by inheritance. */
  realPriority: number
  /** Of the message or pulse it received last; null where it runs at its own. */
  servedPriority: number | null = null
  /** That message, until its client waits no more. */
  serving: Message | null = null
  /** Where it received last, if receivers there inherit. */
  receivedOn: Channel | null = null
  /** The mutexes that it owns. Most threads own none: then there is no set. */
  owned: Set<Mutex> | null = null
  /** The first of its process: RLIMIT_STACK is for it alone. Another may have its tid later. */
  readonly isMain: boolean
  detached: boolean
  joiner: ModelThread | null = null
  /** Of one that has ended and is not joined. */
  status = 0
  blocker: Blocker | null = null
  returned: Returned | null = null
  mask: SignalSet = noSignals
  pending: readonly PendingSignal[] = nonePending
  timeout: ThreadTimeout | null = null
  /** CPU time of the last second, as it will leave that window. */
  shares: Set<CpuExpiry> | null = null
  /** Their sum, in µs. */
  recentUs = 0
  /** Counts up with each wait, machine-wide: who came first. */
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

  /** Something that is shown of it is otherwise now. */
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

  override get wait(): Wait | null {
    return this.blocker === null ? null : waitOf(this.blocker)
  }

  override get lock(): Lock | null {
    const { blocker } = this
    return blocker?.state === 'MUTEX' || blocker?.state === 'CONDVAR' ? blocker.mutex : null
  }
}
