/**
 * Who could release a blocked thread: the edges of the wait-for graph, as its blocker or its source tells them. What is
 * not here is not traced: such a thread is taken to be able to run.
 */

import type { Process } from './process.ts'
import type { Thread } from './thread.ts'

/** Evidence that is not proof: a loop through such a wait is suspected, never detected. */
export type WeakEvidence = 'rwlock-writer' | 'pi-stack' | 'unknown-caller' | 'own-mutex'

interface Traced {
  /** What it waits for, as people know it: the name of a mutex, the pathname of a thread or channel. */
  readonly object: string
  /** Null: proven. */
  readonly evidence: WeakEvidence | null
}

/** One thread can release it. Null: nobody at all can; `owner` is who held the object, where that is still known. */
export interface ThreadWait extends Traced {
  readonly state: 'MUTEX' | 'CONDVAR' | 'JOIN'
  readonly releaser: Thread | null
  readonly owner: string | null
  /** Where the evidence is weak: any thread of this process could release it, and nobody else. */
  readonly anyOf?: Process
}

/** Any live thread of a process can. */
export interface ProcessWait extends Traced {
  readonly state: 'SEND' | 'REPLY'
  readonly releasers: Process
  /** The one that received the message. */
  readonly likely: Thread | null
}

export type Wait = ThreadWait | ProcessWait

/** What has one owner at a time: whoever waits for it waits for that one, even where the owner changes meanwhile. */
export interface Lock {
  readonly owner: Thread | null
  /** Its owner has ended, and with it whoever could have given it up. */
  readonly isAbandoned: boolean
  /** Its place in the wait-for graph while it is waited for; else 0. */
  waitNode: number
}
