import type { ThreadState } from '../states.ts'
import { Node } from './node.ts'
import type { Process } from './process.ts'
import type { Lock, ThreadWait, Wait } from './wait.ts'

/** The state of a thread with its reason. A state that is not known is null, and `why` says so. */
export interface ThreadCondition {
  readonly state: ThreadState | null
  /** What a blocked thread blocks on; its shape depends on the state and the source. */
  readonly on: Readonly<Record<string, string | number>> | null
  /** False where the source cannot tell this state from another; `why` says which. */
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
  /** The blocked state from which it went straight to the one that it is in now. */
  former: ThreadCondition | null = null
  /** What a source has seen it wait for, and found true. Set by `waitsObserved`. */
  observedWait: ThreadWait | null = null
  /** The kernel call that it is blocked in, where the source knows that. */
  calling: string | null = null
  /** Its place in the wait-for graph; 0 while it has none. */
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

  /** What it blocks on, as it may be shown. */
  get waitsOn(): ThreadCondition['on'] {
    const { observedWait } = this
    return observedWait === null ? this.condition.on : describeWait(observedWait)
  }

  /** Who could release it. Null: it does not wait, or that is not traced. */
  get wait(): Wait | null {
    return this.observedWait
  }

  /** What it must have before it can go on, whoever has it; null where it waits for nothing like that. */
  get lock(): Lock | null {
    return null
  }
}

/** As the model shows what it blocks on. */
function describeWait({ state, object, owner, releaser, evidence }: ThreadWait): NonNullable<ThreadCondition['on']> {
  if (state === 'JOIN') return { thread: object }
  const lock = evidence === 'rwlock-writer' ? { rwlock: object } : { mutex: object }
  return { ...lock, ...(owner !== null && { owner }), ...(releaser === null && { ownerState: 'DEAD' }) }
}
