/**
 * Defines the types of waits: which thread or process could release a blocked thread. They are the edges of the
 * wait-for graph. A wait that has none of these types is not traced, and its thread counts as able to run.
 */

import type { Process } from './process.ts'
import type { Thread } from './thread.ts'

/** Evidence that is not proof: a loop through such a wait is suspected, never detected. */
export type WeakEvidence = 'rwlock-writer' | 'pi-stack' | 'unknown-caller' | 'own-mutex'

interface Traced {
  /** The object in readable form: the name of a mutex, or the pathname of a thread or channel. */
  readonly object: string
  /** Null: proven. A `timed` wait is certain too, but ends by itself. */
  readonly evidence: WeakEvidence | 'timed' | null
}

/** A wait that one thread can end. If `releaser` is null, no thread can; `owner` is then the last holder, if known. */
export interface ThreadWait extends Traced {
  readonly state: 'MUTEX' | 'CONDVAR' | 'JOIN'
  readonly releaser: Thread | null
  readonly owner: string | null
  /** With weak evidence: any thread of this process could release it, and no other thread. */
  readonly anyOf?: Process
}

/** A wait that any live thread of a process can end. */
export interface ProcessWait extends Traced {
  readonly state: 'SEND' | 'REPLY'
  readonly releasers: Process
  /** The thread that received the message. */
  readonly likely: Thread | null
}

export type Wait = ThreadWait | ProcessWait

/** An object with one owner at a time. A thread that waits for it waits for its present owner, which may change. */
export interface Lock {
  readonly owner: Thread | null
  /** Its owner has ended, so no thread can release it. */
  readonly isAbandoned: boolean
  /** Its index in the wait-for graph while a thread waits for it; otherwise 0. */
  waitNode: number
}
