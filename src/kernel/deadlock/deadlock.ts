/** Defines deadlocks as they are stored and reported. */

import type { Errno } from '../errno.ts'
import type { Closing } from '../events/deadlock-fields.ts'
import type { Thread } from '../nodes/thread.ts'
import type { WeakEvidence } from '../nodes/wait.ts'

/** A reason why a deadlock is only suspected. */
export type Suspicion = WeakEvidence | 'timed' | 'receiver-will-reply' | 'closed-set'

/** The reason why a thread does not wait any more, or why a process has a thread which can run. */
export interface Wake {
  readonly what: 'returned' | 'abandoned' | 'ended' | 'created' | 'changed'
  readonly errno?: Errno
}

export type DeadlockKind = 'detected' | 'orphaned' | 'suspected'

export interface Deadlock {
  /** Sequence of its first event. */
  readonly id: number
  readonly kind: DeadlockKind
  /** Reasons of a suspicion; empty otherwise. */
  readonly reasons: readonly Suspicion[]
  /** ms of Unix time. */
  readonly since: number
  readonly closing: Closing
  /** In the order of a simple ring, otherwise by pid and tid. */
  readonly members: readonly Thread[]
}

export function deadlockPath({ id }: Pick<Deadlock, 'id'>): string {
  return `/sys/deadlocks/${id}`
}

export function byPidAndTid(one: Thread, other: Thread): number {
  return one.parent.pid - other.parent.pid || one.tid - other.tid
}

/** Pathnames which the event is about: the members, and the partitions of their processes. */
export function aboutOf(members: readonly Thread[]): string[] {
  return [
    ...new Set([
      ...members.map(({ path }) => path),
      ...members.flatMap(({ parent }) => (parent.partition === null ? [] : [parent.partition.path])),
    ]),
  ]
}
