/** Deadlocks as they are kept and told. */

import type { Thread } from '../objects/thread.ts'
import type { WeakEvidence } from './wait.ts'

/** What makes a suspicion no more than that. */
export type Suspicion = WeakEvidence | 'receiver-will-reply' | 'closed-set'

/** What closed it. The thread is null where it was only seen when it had happened. */
export interface Closing {
  readonly what: 'blocked' | 'ended' | 'released' | 'observed'
  /** Pathname. */
  readonly thread: string | null
  readonly state: string | null
  readonly call: string | null
}

/** Why somebody waits no more, or a process has somebody who can run. */
export interface Wake {
  readonly what: 'returned' | 'abandoned' | 'ended' | 'created' | 'changed'
  readonly errno?: string
}

export type DeadlockKind = 'detected' | 'orphaned' | 'suspected'

export interface Deadlock {
  /** Sequence of its first event. */
  readonly id: number
  readonly kind: DeadlockKind
  /** Of suspicions. */
  readonly reasons: readonly Suspicion[]
  /** ms of Unix time. */
  readonly since: number
  readonly closing: Closing
  /** In order round a simple ring, else by pid and tid. */
  readonly members: readonly Thread[]
}

export const deadlockPath = ({ id }: Pick<Deadlock, 'id'>): string => `/sys/deadlocks/${id}`

/** How a thread waits, as people are told. */
export interface Waiting {
  readonly path: string
  readonly name: string
  readonly state: string | null
  /** The mutex, channel or thread that it waits for; null where that is not traced. */
  readonly object: string | null
  /** Pathname of the thread that has it, or of the process that may release it. */
  readonly owner: string | null
  /** Of a message that was received: the thread that did, which most likely will reply. */
  readonly likely?: string
  readonly since: string
}

export function showWaiting({ path, name, wait, condition }: Thread): Waiting {
  const since = new Date(condition.since).toISOString()
  if (wait === null) return { path, name, state: condition.state, object: null, owner: null, since }
  const { state, object } = wait
  if ('releaser' in wait) return { path, name, state, object, owner: wait.releaser?.path ?? wait.owner, since }
  const { releasers, likely } = wait
  return { path, name, state, object, owner: releasers.path, ...(likely !== null && { likely: likely.path }), since }
}

export const byPidAndTid = (one: Thread, other: Thread): number =>
  one.parent.pid - other.parent.pid || one.tid - other.tid
