/** How a thread waits, as people are told. */

import type { Thread } from '../nodes/thread.ts'

export interface WaitingThread {
  readonly path: string
  readonly name: string
  readonly state: string | null
  /** The mutex, channel or thread that it waits for; null where that is not traced. */
  readonly object: string | null
  /** Pathname of the thread that has it, or of the process that may release it. */
  readonly owner: string | null
  /** The owner has ended, and nobody can release what it had. */
  readonly ownerState?: 'DEAD'
  /** Of a message that was received: the thread that did, which most likely will reply. */
  readonly likely?: string
  /** RFC 3339. */
  readonly since: string
}

export function showWaiting({ path, name, wait, condition }: Thread): WaitingThread {
  const since = new Date(condition.since).toISOString()
  if (wait === null) return { path, name, state: condition.state, object: null, owner: null, since }
  const { state, object } = wait
  if ('releaser' in wait) {
    const { releaser, owner } = wait
    if (releaser !== null) return { path, name, state, object, owner: releaser.path, since }
    return { path, name, state, object, owner, ownerState: 'DEAD', since }
  }
  const { releasers, likely } = wait
  return { path, name, state, object, owner: releasers.path, ...(likely !== null && { likely: likely.path }), since }
}
