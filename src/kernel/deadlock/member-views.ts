/** Describes how a thread waits, for events and replies. */

import type { WaitingThread } from '../events/deadlock-fields.ts'
import type { Thread } from '../nodes/thread.ts'

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
