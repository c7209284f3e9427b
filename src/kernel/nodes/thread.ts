/** Represents a thread: its state with the reason for it, and the thread or process that could release it. */

import type { ThreadState } from '../states.ts'
import { Node } from './node.ts'
import type { Process } from './process.ts'
import type { Lock, ThreadWait, Wait } from './wait.ts'

/** The state of a thread with its reason. An unknown state is null, and `why` gives the reason. */
export interface ThreadCondition {
  readonly state: ThreadState | null
  /** The object that a blocked thread waits for. Its shape depends on the state and the source. */
  readonly on: Readonly<Record<string, string | number>> | null
  /** False if the source cannot distinguish this state from another, which `why` names. */
  readonly certain: boolean
  readonly why: string | null
  /** ms of Unix time. */
  readonly since: number
}

export class Thread extends Node<'thread'> {
  readonly tid: number
  readonly parent: Process
  name: string
  priority: number | null = null
  condition: ThreadCondition
  /** The blocked state that the present one followed directly. */
  former: ThreadCondition | null = null
  /** The wait that a source has observed and confirmed. Set by `waitsObserved`. */
  observedWait: ThreadWait | null = null
  /** The kernel call that it is blocked in; null if the source does not know it. */
  calling: string | null = null
  /** Its index in the wait-for graph; 0 while it has none. */
  waitNode = 0

  constructor(process: Process, { tid, name, since }: { tid: number; name: string; since: number }) {
    super()
    this.tid = tid
    this.parent = process
    this.name = name
    this.condition = { state: null, on: null, certain: true, why: 'not read yet', since }
  }

  get level(): 'thread' {
    return 'thread'
  }

  get path(): string {
    return `${this.parent.path}/thread/${this.tid}`
  }

  get confirmedAt(): number {
    return this.parent.confirmedAt
  }

  /** Whether its wait ends by itself, at a time that is set. */
  get isTimed(): boolean {
    return false
  }

  /** The object that it waits for, in the form that clients see. */
  get waitsOn(): ThreadCondition['on'] {
    const { observedWait } = this
    return observedWait === null ? this.condition.on : describeWait(observedWait)
  }

  /** The thread or process that could release it; null if it does not wait, or if its wait is not traced. */
  get wait(): Wait | null {
    return this.observedWait
  }

  /** The lock that it needs before it can continue; null if it waits for no lock. */
  get lock(): Lock | null {
    return null
  }
}

/** Gives an observed wait the form that the model uses. */
function describeWait({ state, object, owner, releaser, evidence }: ThreadWait): NonNullable<ThreadCondition['on']> {
  if (state === 'JOIN') return { thread: object }
  const lock = evidence === 'rwlock-writer' ? { rwlock: object } : { mutex: object }
  return { ...lock, ...(owner !== null && { owner }), ...(releaser === null && { ownerState: 'DEAD' }) }
}
