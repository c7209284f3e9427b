/** Deadlocks as they are kept and told. */

import type { Errno } from '../errno.ts'
import type { Closing } from '../events/deadlock-fields.ts'
import type { Thread } from '../nodes/thread.ts'
import type { WeakEvidence } from '../nodes/wait.ts'

/** What makes a suspicion no more than that. */
export type Suspicion = WeakEvidence | 'receiver-will-reply' | 'closed-set'

/** Why somebody waits no more, or a process has somebody who can run. */
export interface Wake {
  readonly what: 'returned' | 'abandoned' | 'ended' | 'created' | 'changed'
  readonly errno?: Errno
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

export function deadlockPath({ id }: Pick<Deadlock, 'id'>): string {
  return `/sys/deadlocks/${id}`
}

export function byPidAndTid(one: Thread, other: Thread): number {
  return one.parent.pid - other.parent.pid || one.tid - other.tid
}

/** Members, and the partitions of their processes. */
export function aboutOf(members: readonly Thread[]): string[] {
  return [
    ...new Set([
      ...members.map(({ path }) => path),
      ...members.flatMap(({ parent }) => (parent.partition === null ? [] : [parent.partition.path])),
    ]),
  ]
}
